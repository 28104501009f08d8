/** What a JUnit report says, counted operation by operation. */
export interface Counts {
  passed: number;
  failed: number;
}

/** @throws {Error} when there is no test in it: a run that examined nothing has shown nothing */
export function countsOf(xml: string): Counts {
  const cases = xml.split(/<testcase\b/).slice(1);
  const failed = cases.filter((each) => /<(failure|error)\b/.test(each)).length;
  const skipped = cases.filter((each) => /<skipped\b/.test(each)).length;
  if (cases.length - skipped === 0) throw new Error('Schemathesis examined nothing');
  return { passed: cases.length - failed - skipped, failed };
}
