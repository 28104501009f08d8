/** `webhoster image build|list|verify` */
import { Argument, Command } from 'commander';
import { type ImageName, imageNames, openImages } from '../../engine';
import { imageSettings } from '../settings';
import { withFacts } from '../facts';
import { untilStopped } from '../until-stopped';
import { printSnakeJson } from '../json';
import { printTable } from '../table';

const nameArgument = (): Argument => new Argument('<name>', 'name of the image').choices(imageNames);

export function imageCommand(): Command {
  const command = new Command('image').description(
    'Manages guest images: built once, cached by the checksum of their recipe',
  );
  for (const make of [listCommand, buildCommand, verifyCommand]) command.addCommand(make());
  return withFacts(command, {
    where: 'machine',
    examples: ['webhoster image build debian-13'],
    exitCodes: { 0: 'done', 1: 'failed', 2: 'wrong usage' },
  });
}

function listCommand(): Command {
  return withFacts(
    new Command('list')
      .description('Lists all recipes and whether they have been built')
      .option('--json', 'JSON output, for scripts')
      .action(async ({ json }: { json?: boolean }) => {
        const images = await openImages(imageSettings()).list();
        if (json) printSnakeJson(images);
        else {
          printTable(
            ['NAME', 'STATE', 'SIZE', 'CHECKSUM', 'TITLE'],
            images.map((image) => [
              image.name,
              image.state,
              size(image.bytes),
              image.checksum.slice(0, 16),
              image.title,
            ]),
          );
        }
      }),
    {
      where: 'machine',
      examples: ['webhoster image list'],
      exitCodes: { 0: 'listed', 1: 'failed', 2: 'wrong usage' },
    },
  );
}

function buildCommand(): Command {
  return withFacts(
    new Command('build')
      .description('Builds an image unless it has been built already')
      .addArgument(nameArgument())
      .action(async (name: ImageName) => {
        const started = performance.now();
        const image = await openImages(imageSettings()).build(name, {
          onLine: (line) => {
            console.log(line);
          },
          signal: untilStopped(),
        });
        console.log(
          `${name} ${image.checksum.slice(0, 16)} is built (${((performance.now() - started) / 1000).toFixed(1)} s)`,
        );
      }),
    {
      where: 'machine',
      examples: ['webhoster image build debian-13'],
      exitCodes: { 0: 'built', 1: 'failed', 2: 'wrong usage' },
    },
  );
}

function verifyCommand(): Command {
  return withFacts(
    new Command('verify')
      .description('Verifies the checksums of a built image')
      .addArgument(nameArgument())
      .action(async (name: ImageName) => {
        await openImages(imageSettings()).verify(name);
        console.log(`${name} is intact`);
      }),
    {
      where: 'machine',
      examples: ['webhoster image verify debian-13'],
      exitCodes: { 0: 'intact', 1: 'not built, or damaged', 2: 'wrong usage' },
    },
  );
}

function size(bytes: number): string {
  return bytes === 0 ? '-' : `${(bytes / 1024 ** 2).toFixed(0)} MiB`;
}
