/** CDK Terrain continues the archived cdktf: the day we swap, nothing that Terraform sees may change. */
import { golden, readSpec, specNames } from './support';
import type * as Render from '../../../stacks/render';

jest.mock('cdktf', () => jest.requireActual<object>('cdktn'));

describe('with cdktn in the place of cdktf', () => {
  const { renderStack } = jest.requireActual<typeof Render>('../../../stacks/render');

  it('really is cdktn', () => {
    const { App } = jest.requireMock<{ App: Record<symbol, { fqn: string }> }>('cdktf');
    expect(App[Symbol.for('jsii.rtti')]!.fqn).toBe('cdktn.App');
  });

  it.each(specNames)('renders %s as the golden file of cdktf', (name) => {
    const actual = renderStack(readSpec(name));
    const expected = process.env['UPDATE_GOLDEN'] === '1' ? actual : golden(name, actual);
    expect(actual).toBe(expected);
  });
});
