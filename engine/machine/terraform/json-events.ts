/** Terraform's `-json` output, one message a line, as events. What is not JSON (a crash report) is passed on as text. */
import type { TerraformEvent } from './terraform';

interface Message {
  '@level'?: string;
  '@message'?: string;
  type?: string;
  hook?: { resource?: { addr?: string } };
  change?: { resource?: { addr?: string } };
  diagnostic?: { summary?: string; detail?: string; address?: string };
}

export function parseEvent(line: string): TerraformEvent | null {
  if (line.trim() === '') return null;
  const message = parseJson(line);
  if (message === null) return { level: 'warn', type: 'text', message: line, address: null };
  const level = message['@level'];
  return {
    level: level === 'error' || level === 'warn' ? level : 'info',
    type: message.type ?? 'text',
    message: withDetail(message),
    address:
      message.hook?.resource?.addr ?? message.change?.resource?.addr ?? message.diagnostic?.address ?? null,
  };
}

function withDetail(message: Message): string {
  const detail = message.diagnostic?.detail;
  return detail ? `${message['@message'] ?? ''}: ${detail}` : (message['@message'] ?? '');
}

function parseJson(line: string): Message | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : null;
  } catch {
    return null;
  }
}
