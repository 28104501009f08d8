import { operationKinds } from '../../../engine/model/operation';
import { definitions } from '../../../engine/start';
import { testEveryStepOf, thirds } from '../../support/every-step';

it('has a definition of every kind of operation', () => {
  expect(definitions.map(({ kind }) => kind).sort()).toEqual([...operationKinds].sort());
});

testEveryStepOf(thirds[0]!);
