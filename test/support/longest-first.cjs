/**
 * Jest starts large files first where it knows no durations, as on a machine that has never run them. These are longer
 * than their size says; one that starts last keeps everybody waiting.
 */
const Sequencer = require('@jest/test-sequencer').default;

const longest = [
  'integration/operations/every-step-1',
  'integration/operations/every-step',
  'integration/statements',
  'integration/https.test',
  'contract/doors',
  'contract/operator',
  'integration/replicas',
  'system/warm',
  'system/docs',
  'system/visitors',
  'system/truth-of-vms',
  'system/hosting',
  'system/reuse',
  'system/terraform',
  'system/hostile-guest',
];

module.exports = class extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const at = longest.findIndex((each) => path.includes(`/test/${each}`));
      return at < 0 ? longest.length : at;
    };
    // a stable sort: what is not named keeps Jest's own order
    return super.sort(tests).sort((one, other) => rank(one) - rank(other));
  }
};
