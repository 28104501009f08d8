import { kernelCmdline } from '../../../stacks/kernel-cmdline';

/** What provider 0.8.3 reports for each line (`splitKernelCmdLine`): anything else is a difference for ever. */
describe('kernelCmdline', () => {
  it.each([
    ['', []],
    ['quiet', [{ _: 'quiet' }]],
    ['console=ttyS0 quiet', [{ console: 'ttyS0' }, { _: 'quiet' }]],
    ['ro root=LABEL=root quiet', [{ root: 'LABEL=root' }, { _: 'ro quiet' }]],
    [
      'console=tty0 a=1 console=ttyS0 b=2',
      [
        { console: 'tty0', a: '1' },
        { console: 'ttyS0', b: '2' },
      ],
    ],
    ['constructor=1 empty=', [{ constructor: '1', empty: '' }]],
  ])('turns %j into maps', (line, expected) => {
    expect(kernelCmdline(line)).toEqual(expected);
  });
});
