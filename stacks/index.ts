/**
 * The door of stacks/. Types, what a specification may hold, the mark of our domains, and where the synthesizer starts:
 * the engine runs it in a child process, one per stack, so that no stack can reach another's lazy values and the engine
 * never loads cdktf.
 */
import path from 'node:path';

export { checkSpec } from './allow-list/spec';
export { METADATA_NAMESPACE } from './metadata';
export type { HostingSpec, NodeSpec, SpecImage, SpecLimits, StackNode, StackSpec } from './spec';

/** Script that reads one StackSpec as JSON on stdin and writes its Terraform JSON on stdout. */
export const synthesizerPath = path.join(__dirname, 'main.js');
