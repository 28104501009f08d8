import { stopTestServer } from './postgres';

export default async function teardown(): Promise<void> {
  if (globalThis.testServer) await stopTestServer(globalThis.testServer);
}
