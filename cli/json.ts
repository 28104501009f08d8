/** What `--json` prints: the fields of the API, under its names. */
import { snakeCased } from '../api/snake-case';

/** As it is: for what the API's own views have made, and for what Terraform wrote. */
export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}

/** Every key in snake_case: for what the API has no view of. */
export function printSnakeJson(value: unknown): void {
  printJson(snakeCased(value));
}
