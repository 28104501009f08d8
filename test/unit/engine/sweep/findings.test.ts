import { readFileSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from '../../../../engine/base/project';
import { adviceFor, type FindingKind, findingKinds } from '../../../../engine/sweep/findings';

const kinds = Object.keys(findingKinds) as FindingKind[];

it('each kind of finding is mended, or says what to do', () => {
  for (const kind of kinds)
    expect([kind, findingKinds[kind].fix ?? adviceFor({ kind, subject: 'x' })]).toEqual([
      kind,
      expect.any(String),
    ]);
});

it('each kind of finding that is part of the health has its own alert', () => {
  const alerts = readFileSync(path.join(projectRoot, 'deploy/monitoring/alerts.yml'), 'utf8');
  for (const kind of kinds) if ('part' in findingKinds[kind]) expect(alerts).toContain(kind);
});
