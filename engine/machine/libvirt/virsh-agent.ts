/**
 * The guest agent by virsh. The script travels as the standard input of a shell: the agent's own language has no more
 * to do with it than to start `/bin/sh`, so that nothing needs to be quoted twice.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { EngineError } from '../../base/errors';
import { CommandNotFound, type CommandResult, runCommand } from '../../base/process';
import type { Agent, AgentOptions } from './agent';

/** Between two looks whether the script has ended; each look costs a virsh. */
const pollMs = 20;
/** The agent answers at once or not at all. */
const answerSeconds = 5;
/** What an agent says is its guest's to say: scripts of ours print some lines. libvirt itself takes up to 4 MiB. */
const maxAnswerBytes = 1024 ** 2;
/** virsh ends at once when it is asked to. */
const graceMs = 1_000;

const startedShape = z.object({ return: z.object({ pid: z.int() }) });
const doneShape = z.object({ return: z.object({}) });
const statusShape = z.object({
  return: z.object({
    exited: z.boolean(),
    exitcode: z.int().optional(),
    'out-data': z.string().default(''),
    'err-data': z.string().default(''),
  }),
});

export function virshAgent(uri: string): Agent {
  const agent: Agent = {
    run: async (domain, script, options) => {
      const deadline = performance.now() + options.timeoutMs;
      const inTime = { signal: options.signal, deadline };
      const { pid } = (await ask(uri, domain, startedShape, inTime, shell(script))).return;
      for (;;) {
        const status = { execute: 'guest-exec-status', arguments: { pid } };
        const found = (await ask(uri, domain, statusShape, inTime, status)).return;
        if (found.exited) return outputOf(found);
        if (performance.now() > deadline) throw silent(`the script did not end in ${options.timeoutMs} ms`);
        await delay(pollMs);
        options.signal.throwIfAborted();
      }
    },
    setTime: async (domain, at, signal) => {
      const command = { execute: 'guest-set-time', arguments: { time: at.getTime() * 1_000_000 } };
      await ask(uri, domain, doneShape, { signal }, command).catch(async (thrown: unknown) => {
        // the agent's own way needs hwclock, which small guests do not have
        if (
          !(thrown instanceof EngineError) ||
          !/not (currently )?supported|hwclock/.test(String(thrown.cause))
        )
          throw thrown;
        const script = `date -u -s @${Math.round(at.getTime() / 1000)}`;
        await agent.run(domain, script, { signal, timeoutMs: answerSeconds * 1000 });
      });
    },
  };
  return agent;
}

function shell(script: string): object {
  const input = Buffer.from(script).toString('base64');
  return {
    execute: 'guest-exec',
    arguments: { path: '/bin/sh', arg: ['-s'], 'input-data': input, 'capture-output': true },
  };
}

function outputOf(status: z.output<typeof statusShape>['return']): string {
  const text = (data: string): string => Buffer.from(data, 'base64').toString('utf8');
  if (status.exitcode === 0) return text(status['out-data']);
  throw silent(
    `the script ended with ${status.exitcode ?? 'a signal'}: ${text(status['err-data']).slice(-2000)}`,
  );
}

async function ask<T>(
  uri: string,
  domain: string,
  shape: z.ZodType<T>,
  { signal, deadline = Infinity }: Pick<AgentOptions, 'signal'> & { readonly deadline?: number },
  command: object,
): Promise<T> {
  const left = Math.max(1, Math.ceil((deadline - performance.now()) / 1000));
  const argv = ['virsh', '--connect', uri, '--quiet', 'qemu-agent-command', domain, JSON.stringify(command)];
  const result = await runCommand([...argv, '--timeout', String(Math.min(answerSeconds, left))], {
    ...{ signal, graceMs, maxOutputBytes: maxAnswerBytes },
    // libvirt gives up by itself, unless it is busy with another question to this guest
    timeoutMs: Math.min(answerSeconds + 5, left + 1) * 1000,
  }).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw cause instanceof CommandNotFound
      ? unavailable('virsh is not installed on the server', cause)
      : silent(String(cause));
  });
  if (result.code !== 0) throw refusal(result);
  try {
    return shape.parse(JSON.parse(result.stdout));
  } catch (cause) {
    throw silent('the agent answered something else', cause);
  }
}

function refusal({ stderr }: CommandResult): EngineError {
  const cause = new Error(stderr.trim().slice(0, 4000));
  return /failed to connect to the hypervisor|internal error: client socket is closed|End of file while reading data/i.test(
    stderr,
  )
    ? unavailable(undefined, cause)
    : silent(cause.message);
}

function unavailable(message: string | undefined, cause: unknown): EngineError {
  return new EngineError('libvirt_unavailable', message, { retryable: true, cause });
}

function silent(story: string, cause: unknown = new Error(story)): EngineError {
  return new EngineError('guest_unreachable', 'The virtual machine does not respond; try again', {
    cause,
  });
}
