/** Operations that a version has begun in which what is several steps today was one. */
import { wakeSteps } from '../../../engine/sleep';
import type { Definition } from '../../../engine/stack';
import { getOperation } from '../../../engine/store/operations';
import { diesAfter, diesBefore, type Fault, withRun, workWith } from '../../support/faulty-steps';
import { type Accepted, moreScenarios } from '../../support/scenarios';
import type { World } from '../../worlds/world';
import { expireLeases } from '../../support/rows';
import { definitionOf } from '../../support/definitions';

let world: World;
afterEach(() => world.close());

type Step = Definition['steps'][number];

/** The steps of these names as one. */
function asOne(definition: Definition, name: string, names: readonly string[]): Definition {
  const those = definition.steps.filter((step) => names.includes(step.name));
  const run: Step['run'] = async (context) => {
    for (const step of those) await step.run?.(context);
    return null;
  };
  const others = definition.steps.filter((step) => !names.includes(step.name) && step.name !== name);
  const at = definition.steps.findIndex((step) => step.name === names[0]);
  return { ...definition, steps: [...others.slice(0, at), { name, run }, ...others.slice(at)] };
}

const remade = ['synthesize', 'init', 'plan', 'check', 'apply', 'boot'];
const woken = wakeSteps.steps.map(({ name }) => name);
const cases = [
  ['claim-spare', asOne(definitionOf('claim-spare'), 'remake', remade)],
  ['apply-hosting', asOne(definitionOf('apply-hosting'), 'wake', woken)],
] as const;

async function begun(former: Definition, fault: (world: World) => Fault, step: string): Promise<Accepted> {
  const { scenario } = moreScenarios.find(({ kind }) => kind === former.kind)!;
  world = await scenario.open();
  await scenario.prepare(world);
  const accepted = await scenario.accept(world);
  await workWith(world, accepted.stackId, withRun(former, step, fault(world)));
  await expireLeases(world.parts.database.direct);
  return accepted;
}

async function expectEnd({ operationId, stackId }: Accepted, kind: Definition['kind']): Promise<void> {
  await world.work(stackId);
  expect(await getOperation(world.parts.database.direct, operationId)).toMatchObject({
    status: 'succeeded',
  });
  const { scenario } = moreScenarios.find((each) => each.kind === kind)!;
  await scenario.done(world, { operationId, stackId }, {});
}

describe.each(cases)('%s', (kind, former) => {
  const one = kind === 'claim-spare' ? 'remake' : 'wake';
  const next = kind === 'claim-spare' ? 'open' : 'workspace';

  it.each<[string, (world: World) => Fault, string]>([
    ['before it', diesBefore, one],
    ['after it, and before that was written down', diesAfter, one],
    ['behind it', diesBefore, next],
  ])('goes on where its worker died %s', async (_, fault, step) => {
    await expectEnd(await begun(former, fault, step), kind);
  });
});

it('a spare that was half rebuilt is rebuilt from the start', async () => {
  const [, former] = cases[0];
  const interrupted: Fault = (act) => async (context) => {
    world.host.faults.fail('made libvirt_domain', new Error('killed'));
    await act(context).catch(() => undefined);
    return diesBefore(world)(act)(context);
  };
  const accepted = await begun(former, () => interrupted, 'remake');
  expect(world.host.domains.size).toBe(1);
  await expectEnd(accepted, 'claim-spare');
});
