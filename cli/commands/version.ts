/** `webhoster version` */
import { Command } from 'commander';
import { loadConfig, partVersions } from '../../engine';
import { withFacts } from '../facts';
import { printTable } from '../table';

export function versionCommand(): Command {
  return withFacts(
    new Command('version')
      .description('Shows the versions of the service and of the tools it uses')
      .option('--json', 'JSON output, for scripts')
      .action(async ({ json }: { json?: boolean }) => {
        const found = await partVersions(loadConfig());
        if (json) console.log(JSON.stringify(found, null, 2));
        else
          printTable(
            ['PART', 'VERSION'],
            found.map(({ part, version }) => [part, version]),
          );
      }),
    {
      where: 'machine',
      examples: ['webhoster version'],
      exitCodes: { 0: 'shown', 1: 'failed', 2: 'wrong usage' },
    },
  );
}
