/** `webhoster node prepare` */
import { Command } from 'commander';
import { createLog, loadConfig, prepareNode } from '../../engine';

export function nodeCommand(): Command {
  const command = new Command('node').description('The libvirt host that VMs run on');
  command
    .command('prepare')
    .description('Brings pool, network and base image to what the configuration says')
    .action(async () => {
      const operation = await prepareNode(
        loadConfig(),
        createLog(process.env.LOG_LEVEL ?? 'warn'),
        (message) => {
          console.log(`  ${message}`);
        },
      );
      console.log(operation === null ? 'the node is ready' : 'the node is ready now');
    });
  return command;
}
