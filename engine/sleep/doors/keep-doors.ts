/** Sees to it that somebody is behind the doors: of hostings that sleep, and of those that Nginx has not read of yet. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import Handlebars from 'handlebars';
import { doors } from './doors';
import { finder } from './finder';
import { pageDoor } from './page-door';
import { sshDoor } from './ssh-door';
import { waker as newWaker } from './waker';
import type { EngineParts } from '../../durable';
import { templatesDir } from '../../base/project';
import { nginxUser } from '../../machine/nginx/control';
import { andThen, every, type Reconciler } from '../../base/every';

const intervalMs = 5_000;

/** @returns stops looking, and closes the doors */
export function keepDoors(engine: EngineParts): Reconciler {
  const { config, log } = engine.parts;
  const stopping = new AbortController();
  const waker = newWaker(engine, stopping.signal);
  const both = doors({
    nginxDir: config.nginxDir,
    user: nginxUser(),
    servers: {
      page: () => pageDoor({ waker, find: finder(engine.parts), pages: readPages() }),
      ssh: () => sshDoor({ waker }),
    },
  });
  const opening = every({ name: 'doors', intervalMs, log }, both.open);
  return andThen(opening, () => {
    stopping.abort();
    both.close();
  });
}

function readPages(): Record<'waking' | 'failed', string> {
  const source = readFileSync(path.join(templatesDir, 'pages', 'waking.html.hbs'), 'utf8');
  const page = Handlebars.compile(source, { strict: true });
  return { waking: page({ seconds: 2, failed: false }), failed: page({ seconds: 15, failed: true }) };
}
