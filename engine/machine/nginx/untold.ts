/** What guests must not take from a visitor: headers by which proxies tell who the visitor is, in every spelling. */

/** Headers by which a proxy tells a guest of the visitor. */
const told = ['X-Real-IP', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Port', 'X-Forwarded-Proto'];
const untold = ['Forwarded', 'X-Forwarded-By', 'X-Forwarded-Server', 'X-Forwarded-Ssl', 'X-Forwarded-Scheme'];

/**
 * Names that must not reach a guest: CGI and its kin read an underscore as the dash it looks like, so that a visitor
 * could speak for the proxy.
 */
export function untoldNames(): string[] {
  const lookalikes = [...told, 'X-Forwarded-Prefix', ...untold].flatMap((name) =>
    dashesOrUnderscores(name.split('-')),
  );
  return [...untold, ...lookalikes.filter((name) => name.includes('_'))];
}

function dashesOrUnderscores([first = '', ...rest]: readonly string[]): string[] {
  if (rest.length === 0) return [first];
  return dashesOrUnderscores(rest).flatMap((end) => [`${first}-${end}`, `${first}_${end}`]);
}
