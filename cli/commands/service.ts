/** `webhoster service …`: what the start and stop scripts need of the engine. */
import { Command } from 'commander';
import { withFacts } from '../facts';
import { withMachine } from '../with-machine';
import { loadConfig, startPostgres, stopPostgres, stopProxy } from '../../engine';

export function serviceCommand(): Command {
  const command = new Command('service').description(
    'Controls parts of the service on this machine, for scripts/start.sh and scripts/stop.sh',
  );
  withFacts(command, {
    where: 'machine',
    examples: ['webhoster service check-config'],
    exitCodes: { 0: 'done', 1: 'failed', 2: 'wrong usage' },
  });
  const part = (name: string, description: string, action: () => Promise<void>): void => {
    withFacts(command.command(name).description(description).action(action), {
      where: 'machine',
      examples: [`webhoster service ${name}`],
      exitCodes: { 0: 'done', 1: 'failed', 2: 'wrong usage' },
    });
  };
  part('check-config', 'Checks the configuration; prints nothing if it is valid', async () => {
    loadConfig();
    return Promise.resolve();
  });
  part('postgres-start', 'Starts the embedded PostgreSQL, unless DATABASE_URL is set', async () => {
    await startPostgres(loadConfig());
  });
  part('postgres-stop', 'Stops the embedded PostgreSQL', () => stopPostgres(loadConfig()));
  part('purge-stacks', 'Removes all VMs, the pool and the network from this machine', () =>
    withMachine(
      ({ removeEverything }) =>
        removeEverything((message) => {
          console.log(message);
        }),
      { postgres: 'must-run', logLevel: 'warn' },
    ),
  );
  part('nginx-stop', 'Stops the Nginx of this service', () => stopProxy(loadConfig()));
  return command;
}
