/**
 * A kernel command line in the shape in which the provider reports one: a list of maps, each with distinct keys,
 * words without `=` together under `_` at the end.
 *
 * A domain's `cmdline` is read back from libvirt and a difference replaces the domain, so the configuration must be
 * exactly what `splitKernelCmdLine` of the provider makes of the line that `xslt/domain.ts` writes.
 *
 * @param cmdline  words separated by single spaces
 */
export function kernelCmdline(cmdline: string): Record<string, string>[] {
  const words = cmdline.split(' ').filter((word) => word !== '');
  const maps: Record<string, string>[] = [];
  let current: Record<string, string> = {};
  for (const word of words.filter((each) => each.includes('='))) {
    const [key, value] = splitOnce(word);
    if (Object.hasOwn(current, key)) {
      maps.push(current);
      current = {};
    }
    current[key] = value;
  }
  if (Object.keys(current).length > 0) maps.push(current);
  const bare = words.filter((word) => !word.includes('='));
  if (bare.length > 0) maps.push({ _: bare.join(' ') });
  return maps;
}

function splitOnce(word: string): [string, string] {
  const at = word.indexOf('=');
  return [word.slice(0, at), word.slice(at + 1)];
}
