/** Modules that a distribution packs apart from Nginx; a build that has them within needs none of these files. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ProxySettings } from './proxy-settings';

const dir = '/usr/lib/nginx/modules';

export function nginxModules(): Pick<ProxySettings, 'streamModule' | 'luaModules'> {
  const [stream, ...lua] = ['ngx_stream_module', 'ndk_http_module', 'ngx_http_lua_module'].map((name) =>
    path.join(dir, `${name}.so`),
  );
  return {
    streamModule: [stream ?? ''].find((file) => existsSync(file)) ?? null,
    // the second needs the first
    luaModules: lua.filter((file) => existsSync(file)),
  };
}
