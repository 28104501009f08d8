/** `webhoster image build|list|verify` */
import { Argument, Command } from 'commander';
import { type ImageName, imageNames, openImages } from '../../engine';
import { imageSettings } from '../settings';
import { withFacts } from '../facts';
import { untilStopped } from '../until-stopped';
import { printSnakeJson } from '../json';
import { printTable } from '../table';

const nameArgument = (): Argument => new Argument('<name>', 'which image').choices(imageNames);

export function imageCommand(): Command {
  const command = new Command('image').description(
    "Guest images: built once, cached under their recipe's checksum",
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
      .description('Shows every recipe and whether it is built')
      .option('--json', 'for scripts')
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
      .description('Builds an image unless it is built')
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
      .description('Reads a built image again and compares its checksums')
      .addArgument(nameArgument())
      .action(async (name: ImageName) => {
        await openImages(imageSettings()).verify(name);
        console.log(`${name} is as it was built`);
      }),
    {
      where: 'machine',
      examples: ['webhoster image verify debian-13'],
      exitCodes: { 0: 'as it was built', 1: 'not built, or not as it was', 2: 'wrong usage' },
    },
  );
}

function size(bytes: number): string {
  return bytes === 0 ? '-' : `${(bytes / 1024 ** 2).toFixed(0)} MiB`;
}
