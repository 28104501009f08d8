import { startTestServer, type TestServer } from './postgres';

declare global {
  var testServer: TestServer | undefined;
}

export default async function setup(): Promise<void> {
  globalThis.testServer = await startTestServer();
  process.env.TEST_POSTGRES = JSON.stringify(globalThis.testServer);
}
