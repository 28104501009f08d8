/** `webhoster node prepare` */
import { Command } from 'commander';
import { withFacts } from '../facts';
import { withMachine } from '../with-machine';

const exitCodes = { 0: 'ready', 1: 'failed', 2: 'wrong usage' };

export function nodeCommand(): Command {
  const command = new Command('node').description('Manages the libvirt host that VMs run on');
  withFacts(command, { where: 'machine', examples: ['webhoster node prepare'], exitCodes });
  withFacts(
    command
      .command('prepare')
      .description('Sets up the pool, network and base image as configured')
      .action(async () => {
        const show = (message: string): void => {
          console.log(`  ${message}`);
        };
        const operation = await withMachine(({ prepareNode }) => prepareNode(show), {
          postgres: 'must-run',
          logLevel: 'warn',
        });
        console.log(operation === null ? 'the node is ready' : 'the node is now ready');
      }),
    { where: 'machine', examples: ['webhoster node prepare'], exitCodes },
  );
  return command;
}
