/** `webhoster completion bash|zsh|fish` */
import { Argument, Command } from 'commander';
import { bashCompletion } from '../completion/bash';
import { fishCompletion } from '../completion/fish';
import { type Place, placesOf } from '../completion/tree';
import { zshCompletion } from '../completion/zsh';
import { withFacts } from '../facts';

const writers = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;
type Shell = keyof typeof writers;

export function completionCommand(): Command {
  const command = new Command('completion')
    .description('Prints a shell script that completes commands and options')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(writers)))
    .action((shell: Shell, _: unknown, self: Command) => {
      process.stdout.write(completionOf(shell, self.parent ?? self));
    });
  return withFacts(command, {
    where: 'no matter',
    examples: [
      'source <(webhoster completion bash)',
      'webhoster completion zsh >"${fpath[1]}/_webhoster"',
      'webhoster completion fish >~/.config/fish/completions/webhoster.fish',
    ],
    exitCodes: { 0: 'printed', 2: 'wrong usage' },
  });
}

export function completionOf(shell: Shell, program: Command): string {
  const places: Place[] = placesOf(program);
  return writers[shell](places);
}
