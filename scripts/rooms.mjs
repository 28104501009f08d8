#!/usr/bin/env node
/**
 * Prints the plan of the engine: its rooms from the lowest to the highest, how large each is, which rooms it imports, and
 * whether any of them form a circle. `npm run rooms`; with --json for scripts. Exits 1 if there is a circle.
 */
import { readFileSync } from 'node:fs';
import { cruise } from 'dependency-cruiser';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';
import config from '../.dependency-cruiser.cjs';

const { options } = config;
const { output } = await cruise(['engine'], options, null, {
  tsConfig: extractTSConfig(options.tsConfig.fileName),
});
const roomOf = (file) => file.split('/').length > 2 && file.split('/')[1];
const lines = (file) => readFileSync(file, 'utf8').split('\n').length - 1;

const rooms = new Map();
const root = [];
for (const { source, dependencies } of output.modules) {
  if (!source.startsWith('engine/')) continue;
  const name = roomOf(source);
  if (!name) {
    root.push(source.slice('engine/'.length));
    continue;
  }
  const room = rooms.get(name) ?? { files: 0, lines: 0, imports: new Set() };
  room.files += 1;
  room.lines += lines(source);
  for (const { resolved } of dependencies) {
    const other = resolved.startsWith('engine/') && roomOf(resolved);
    if (other && other !== name) room.imports.add(other);
  }
  rooms.set(name, room);
}

// a room stands one floor above the highest that it imports; what is left over goes round in a circle
const floors = new Map();
for (let found = true; found;) {
  found = false;
  for (const [name, { imports }] of rooms) {
    if (floors.has(name) || ![...imports].every((other) => floors.has(other))) continue;
    floors.set(name, 1 + Math.max(0, ...[...imports].map((other) => floors.get(other))));
    found = true;
  }
}
const circle = [...rooms.keys()].filter((name) => !floors.has(name));
const arrows = [...rooms.values()].reduce((sum, { imports }) => sum + imports.size, 0);

if (process.argv.includes('--json')) {
  const described = [...rooms].map(([name, room]) => ({
    name,
    floor: floors.get(name) ?? null,
    ...room,
    imports: [...room.imports].sort(),
  }));
  console.log(JSON.stringify({ rooms: described, arrows, circle, root: root.sort() }, null, 2));
} else {
  const byFloor = [...rooms].sort(([a], [b]) => floors.get(a) - floors.get(b) || a.localeCompare(b));
  console.log(
    `${'FLOOR'.padEnd(6)} ${'ROOM'.padEnd(13)} ${'FILES'.padStart(5)} ${'LINES'.padStart(6)}  IMPORTS`,
  );
  for (const [name, { files, lines: size, imports }] of byFloor)
    console.log(
      `${String(floors.get(name) ?? '?').padEnd(6)} ${name.padEnd(13)} ${String(files).padStart(5)} ${String(size).padStart(6)}  ${[...imports].sort().join(', ')}`,
    );
  console.log(
    `\n${rooms.size} rooms, ${arrows} arrows, ${circle.length === 0 ? 'no circle' : `a circle: ${circle.join(', ')}`}`,
  );
  console.log(`at the root: ${root.sort().join(', ')}`);
}
process.exitCode = circle.length === 0 ? 0 : 1;
