/** The outside world as it is on this machine. */
import path from 'node:path';
import type { Config } from '../base/config';
import { recipesDir } from '../base/project';
import { networkGuest } from './guest/network-guest';
import { linuxNodeCare } from './host/linux-care';
import { imageBuilder } from './images/builder';
import { nodeIsolation } from './isolation/node-isolation';
import { virshInventory } from './libvirt/virsh';
import { virshAgent } from './libvirt/virsh-agent';
import { bootTrial } from './libvirt/virtualization';
import { nginxTraffic } from './nginx/nginx-traffic';
import { terraformCli } from './terraform/cli';
import { childSynthesizer } from './terraform/synthesizer';
import type { Terraform } from './terraform/terraform';

/** @param replace  a Terraform in the place of the installed one, which need not be there then */
export async function openMachine(config: Config, replace: { readonly terraform?: Terraform } = {}) {
  const terraform =
    replace.terraform ??
    (await terraformCli({
      program: config.TERRAFORM_BIN,
      providerMirrorDir: config.providerMirrorDir,
      configDir: config.DATA_DIR,
    }));
  return {
    terraform,
    synthesizer: childSynthesizer(),
    inventory: virshInventory(config.LIBVIRT_URI),
    isolation: nodeIsolation(config.LIBVIRT_URI),
    virtualization: bootTrial,
    images: imageBuilder({ recipesDir, imagesDir: config.imagesDir }),
    guest: networkGuest,
    agent: virshAgent(config.LIBVIRT_URI),
    traffic: nginxTraffic(config.nginxDir),
    nodeCare: linuxNodeCare(config.LIBVIRT_URI, path.join(config.DATA_DIR, 'run')),
  };
}
