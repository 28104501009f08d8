import { parseEvent } from '../../../../engine/machine/terraform/json-events';

const line = (value: unknown): string => JSON.stringify(value);

describe('parseEvent', () => {
  it('parseEvent reads what a resource does, with its address', () => {
    const text = line({
      '@level': 'info',
      '@message': 'libvirt_volume.root: Creating...',
      type: 'apply_start',
      hook: { resource: { addr: 'libvirt_volume.root' }, action: 'create' },
    });
    expect(parseEvent(text)).toEqual({
      level: 'info',
      type: 'apply_start',
      message: 'libvirt_volume.root: Creating...',
      address: 'libvirt_volume.root',
    });
  });

  it('parseEvent reads the address of a planned change', () => {
    const text = line({
      '@level': 'info',
      '@message': 'plan',
      type: 'planned_change',
      change: { resource: { addr: 'libvirt_domain.vm' }, action: 'create' },
    });
    expect(parseEvent(text)).toMatchObject({ type: 'planned_change', address: 'libvirt_domain.vm' });
  });

  it('parseEvent puts the detail of a diagnostic after its summary', () => {
    const text = line({
      '@level': 'error',
      '@message': 'Error: no such pool',
      type: 'diagnostic',
      diagnostic: {
        severity: 'error',
        summary: 'no such pool',
        detail: 'pool x is not there',
        address: 'libvirt_volume.root',
      },
    });
    expect(parseEvent(text)).toEqual({
      level: 'error',
      type: 'diagnostic',
      message: 'Error: no such pool: pool x is not there',
      address: 'libvirt_volume.root',
    });
  });

  it('parseEvent keeps a diagnostic without detail to its summary', () => {
    expect(
      parseEvent(
        line({
          '@level': 'warn',
          '@message': 'Warning: old',
          type: 'diagnostic',
          diagnostic: { summary: 'old', detail: '' },
        }),
      ),
    ).toMatchObject({
      level: 'warn',
      message: 'Warning: old',
      address: null,
    });
  });

  it.each([['trace'], ['debug'], [undefined]])('parseEvent reads level %p as information', (level) => {
    expect(parseEvent(line({ '@level': level, '@message': 'x', type: 'log' }))).toMatchObject({
      level: 'info',
    });
  });

  it.each([['panic: runtime error'], ['{"half": '], ['"a string"'], ['42'], ['null']])(
    'parseEvent passes on what is no message as text: %s',
    (text) => {
      expect(parseEvent(text)).toEqual({ level: 'warn', type: 'text', message: text, address: null });
    },
  );

  it.each([[''], ['   '], ['\r']])('parseEvent ignores an empty line', (text) => {
    expect(parseEvent(text)).toBeNull();
  });

  it('parseEvent copes with a message without any field', () => {
    expect(parseEvent('{}')).toEqual({ level: 'info', type: 'text', message: '', address: null });
  });
});
