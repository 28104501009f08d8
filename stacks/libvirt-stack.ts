import { LocalBackend, TerraformOutput, TerraformStack, TerraformVariable } from 'cdktf';
import type { Construct } from 'constructs';
import { LibvirtProvider } from './bindings/providers/libvirt/provider';

/**
 * What all stacks share: one libvirt host, and state in the workspace.
 *
 * The backend is always declared: cdktf's own default writes the working directory of the synthesizing process
 * into the configuration. Its path is relative to the directory in which Terraform runs.
 */
export abstract class LibvirtStack extends TerraformStack {
  protected constructor(scope: Construct, id: string, uri: string) {
    super(scope, id);
    new LocalBackend(this, { path: 'terraform.tfstate' });
    new LibvirtProvider(this, 'libvirt', { uri });
  }

  /**
   * Takes a text as the default of a variable and answers with the reference to it. A default is the one place where
   * Terraform does not look for templates: nothing in it is ever evaluated, and a long text costs no time (500 kB
   * of XSLT as an argument: 13 s for a plan, which parses it a dozen times; as a default: 0.2 s).
   *
   * @param show  `secret` keeps the text out of everything that Terraform prints; a plan's JSON still holds it
   */
  protected literal(name: string, text: string, show: 'plain' | 'secret' = 'plain'): string {
    const sensitive = show === 'secret' ? true : undefined;
    return new TerraformVariable(this, name, { type: 'string', default: text, sensitive }).stringValue;
  }

  /** Makes an output; resources and outputs share one space of construct ids, but not of names. */
  protected publish(name: string, value: unknown): void {
    new TerraformOutput(this, `output_${name}`, { value }).overrideLogicalId(name);
  }
}
