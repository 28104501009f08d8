/** Traces each Terraform command as a part of the step that runs it. */
import type { Terraform } from '../machine/terraform/terraform';
import { traced, type Tracing } from '../base/tracing';

export function tracedTerraform(terraform: Terraform, tracing: Tracing): Terraform {
  // the answers are remembered: there is no command behind most of them
  const { version, provider, ...verbs } = terraform;
  const spanned = Object.entries(verbs).map(([name, verb]) => {
    const call = verb as (...args: unknown[]) => Promise<unknown>;
    const attributes = { 'webhoster.terraform.command': name };
    return [
      name,
      (...args: unknown[]) => traced(tracing, `terraform ${name}`, { attributes }, () => call(...args)),
    ];
  });
  return { ...(Object.fromEntries(spanned) as typeof verbs), version, provider };
}
