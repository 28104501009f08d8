/** `webhoster keys rotate`: seals everything with the newest STATE_KEY. */
import { Command } from 'commander';
import { withAdministration } from '../with-machine';
import { withFacts } from '../facts';
import { printSnakeJson } from '../json';
import { untilStopped } from '../until-stopped';

export function keysCommand(): Command {
  const command = new Command('keys').description('Manages the keys that seal Terraform states');
  const rotate = command
    .command('rotate')
    .description(
      'Reseals with STATE_KEY every Terraform state that is sealed with a key of STATE_OLD_KEYS; restart the service with both keys first',
    )
    .option('--json', 'JSON output, for scripts')
    .action(async ({ json }: { json?: boolean }) => {
      const onBatch = (sealed: number): void => {
        if (!json) console.log(`${sealed} resealed`);
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
      1: 'failed, or no known key opens some of the states; repeat to continue',
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
    return [`${sealed} resealed; everything is sealed with STATE_KEY, and STATE_OLD_KEYS can be emptied`];
  return [
    `${sealed} resealed; no known key opens the states of:`,
    ...closed.map((id) => `    ${id}`),
    'add the key they were sealed with to STATE_OLD_KEYS and repeat this; keep all old keys until then',
  ];
}
