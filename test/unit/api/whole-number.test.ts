import { wholeNumber } from '../../../api/schemas/whole-number';

const number = wholeNumber(0, 100);

it.each([
  ['0', 0],
  ['7', 7],
  ['007', 7],
  ['100', 100],
])('reads %s', (sent, read) => {
  expect(number.parse(sent)).toBe(read);
});

it.each(['', ' ', ' 7', '7 ', '+7', '-1', '101', '1.5', '7.0', '1e1', '0x10', '٧', 'NaN', '9'.repeat(400)])(
  'refuses %j',
  (sent) => {
    expect(number.safeParse(sent).success).toBe(false);
  },
);

it('may be left out, and have a default', () => {
  expect(number.optional().parse(undefined)).toBeUndefined();
  expect(number.default(5).parse(undefined)).toBe(5);
});
