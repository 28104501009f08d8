/** README.md of an ejected hosting. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import Handlebars from 'handlebars';
import type { HostingSpec } from '../../stacks';
import { guestUser } from '../machine/guest/cloud-init';
import { projectVersion, templatesDir } from '../base/project';
import type { EjectedFacts } from './facts';

export interface ReadmeFacts {
  readonly facts: EjectedFacts;
  readonly spec: HostingSpec;
  /** The number in the user's web path. */
  readonly userId: number;
  /** ISO 8601 */
  readonly ejectedAt: string;
  /** Terraform's CLI configuration that names the local mirror. */
  readonly cliConfig: string;
}

let compiled: HandlebarsTemplateDelegate | undefined;

export function readme({ facts, spec, ...others }: ReadmeFacts): string {
  compiled ??= Handlebars.compile(readFileSync(path.join(templatesDir, 'ejected/README.md.hbs'), 'utf8'), {
    noEscape: true,
    strict: true,
  });
  return compiled({ ...facts, ...spec.node, ...others, guestUser, version: projectVersion });
}
