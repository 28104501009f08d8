import { operationKinds } from '../../../engine/model/operation';
import { definitions } from '../../../engine/start';
import { testEveryStepOf, thirds } from '../../support/every-step';

it('every kind of operation has a definition', () => {
  expect(definitions.map(({ kind }) => kind).sort()).toEqual([...operationKinds].sort());
});

testEveryStepOf(thirds[0]!);
