import { testEveryStepOf, thirds } from '../../support/every-step';

testEveryStepOf(thirds[1]!);
