import {
  applyArgv,
  initArgv,
  planArgv,
  showPlanArgv,
  versionArgv,
} from '../../../../engine/machine/terraform/argv';

describe('the arguments of Terraform', () => {
  it('terraform init never asks for input', () => {
    expect(initArgv()).toEqual(['init', '-input=false', '-no-color']);
  });

  it('terraform plan writes the file, and its exit code tells changes from none', () => {
    expect(planArgv({ planFile: 'plan.tfplan', intent: 'apply', fresh: false })).toEqual([
      'plan',
      '-input=false',
      '-json',
      '-detailed-exitcode',
      '-out=plan.tfplan',
    ]);
  });

  it('terraform plan can plan a destroy', () => {
    expect(planArgv({ planFile: 'p', intent: 'destroy', fresh: false })).toEqual([
      'plan',
      '-input=false',
      '-json',
      '-detailed-exitcode',
      '-out=p',
      '-destroy',
    ]);
  });

  it('terraform plan does not refresh without a state', () => {
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

  it('terraform apply applies exactly the saved plan, which needs no approval', () => {
    expect(applyArgv('plan.tfplan')).toEqual(['apply', '-input=false', '-json', 'plan.tfplan']);
  });

  it('terraform shows a plan and its version as JSON', () => {
    expect(showPlanArgv('plan.tfplan')).toEqual(['show', '-json', '-no-color', 'plan.tfplan']);
    expect(versionArgv()).toEqual(['version', '-json']);
  });
});
