/** Lets a schema name its message by catalogue key: a key that does not exist does not compile. */
import type { FieldKey } from '../messages';

export const says = (key: FieldKey): FieldKey => key;
