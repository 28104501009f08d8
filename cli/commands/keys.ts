/** `webhoster keys rotate`: seals everything with the newest STATE_KEY. */
import { Command } from 'commander';
import { withAdministration } from '../with-machine';
import { withFacts } from '../facts';
import { printSnakeJson } from '../json';
import { untilStopped } from '../until-stopped';

export function keysCommand(): Command {
  const command = new Command('keys').description('Keys that Terraform states are sealed with');
  const rotate = command
    .command('rotate')
    .description(
      'Seals every Terraform state with STATE_KEY that another key of STATE_OLD_KEYS has sealed; restart the service with both keys first',
    )
    .option('--json', 'for scripts')
    .action(async ({ json }: { json?: boolean }) => {
      const onBatch = (sealed: number): void => {
        if (!json) console.log(`${sealed} sealed`);
      };
      const rotation = await withAdministration((administration) =>
        administration.rotateKeys({ onBatch, signal: untilStopped() }),
      );
      if (json) printSnakeJson(rotation);
      else for (const line of rotationLines(rotation)) console.log(line);
      process.exitCode = rotation.closed.length === 0 ? 0 : 1;
    });
  withFacts(rotate, {
    where: 'machine',
    examples: ['webhoster keys rotate'],
    exitCodes: {
      0: 'everything is sealed with STATE_KEY',
      1: 'failed, or some state no known key opens; a repeat goes on',
      2: 'wrong usage',
    },
  });
  return withFacts(command, {
    where: 'machine',
    examples: ['webhoster keys rotate'],
    exitCodes: { 0: 'done', 1: 'failed', 2: 'wrong usage' },
  });
}

function rotationLines({ sealed, closed }: { sealed: number; closed: readonly string[] }): string[] {
  if (closed.length === 0)
    return [`${sealed} sealed anew; everything is sealed with STATE_KEY, and STATE_OLD_KEYS may be emptied`];
  return [
    `${sealed} sealed anew; no known key opens that of:`,
    ...closed.map((id) => `    ${id}`),
    'put the key of that time into STATE_OLD_KEYS and repeat this, and keep every old key until then',
  ];
}
