import {
  applyArgv,
  initArgv,
  planArgv,
  showPlanArgv,
  versionArgv,
} from '../../../../engine/machine/terraform/argv';

describe('the arguments of Terraform', () => {
  it('initialize without asking', () => {
    expect(initArgv()).toEqual(['init', '-input=false', '-no-color']);
  });

  it('plan into the file, with an exit code that tells changes from none', () => {
    expect(planArgv({ planFile: 'plan.tfplan', intent: 'apply', fresh: false })).toEqual([
      'plan',
      '-input=false',
      '-json',
      '-detailed-exitcode',
      '-out=plan.tfplan',
    ]);
  });

  it('plan a destroy', () => {
    expect(planArgv({ planFile: 'p', intent: 'destroy', fresh: false })).toEqual([
      'plan',
      '-input=false',
      '-json',
      '-detailed-exitcode',
      '-out=p',
      '-destroy',
    ]);
  });

  it('do not refresh where there is no state', () => {
    expect(planArgv({ planFile: 'p', intent: 'apply', fresh: true })).toContain('-refresh=false');
    expect(planArgv({ planFile: 'p', intent: 'destroy', fresh: true })).toEqual([
      'plan',
      '-input=false',
      '-json',
      '-detailed-exitcode',
      '-out=p',
      '-destroy',
      '-refresh=false',
    ]);
  });

  it('apply exactly the saved plan, which needs no approval', () => {
    expect(applyArgv('plan.tfplan')).toEqual(['apply', '-input=false', '-json', 'plan.tfplan']);
  });

  it('show a plan and the version as JSON', () => {
    expect(showPlanArgv('plan.tfplan')).toEqual(['show', '-json', '-no-color', 'plan.tfplan']);
    expect(versionArgv()).toEqual(['version', '-json']);
  });
});
