import { isColoured } from '../../../cli/paint';

it.each([
  [true, {}, true],
  [true, { TERM: 'xterm-256color' }, true],
  [true, { NO_COLOR: '' }, true],
  [true, { NO_COLOR: '1' }, false],
  [true, { NO_COLOR: 'false' }, false],
  [true, { TERM: 'dumb' }, false],
  [false, {}, false],
  [undefined, {}, false],
] as [boolean | undefined, Record<string, string>, boolean][])(
  'an output whose isTTY is %s, with %j: coloured is %s',
  (isTTY, env, coloured) => {
    expect(isColoured({ isTTY }, env)).toBe(coloured);
  },
);
