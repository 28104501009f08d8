/** What of Nginx is set by the operator, and what it may be given. */

export interface HttpsSettings {
  readonly port: number;
  /** The API's plain port, and the one where it is encrypted; null leaves the API to itself. */
  readonly api: { readonly port: number; readonly httpsPort: number } | null;
  readonly redirect: boolean;
  /** 0 says nothing of it. */
  readonly hstsSeconds: number;
  /** Host names and addresses of the service itself. The first is the one that users are given. */
  readonly serviceHosts: readonly string[];
}

export interface ProxySettings {
  /** Directory of configuration, pid, logs and pages. */
  readonly dir: string;
  readonly httpPort: number;
  readonly baseDomain: string;
  /** Where Nginx's stream module is, or null when it is built in. */
  readonly streamModule: string | null;
  /** Where its Lua module is, and what that needs; none when it is built in. */
  readonly luaModules: readonly string[];
  /** Unix user of the workers; null keeps the master's. */
  readonly user: string | null;
  /** Origin of the API, where the service's own pages are. */
  readonly apiUrl: string;
  /** null serves nothing encrypted. @default null */
  readonly https?: HttpsSettings | null;
  /** Writes down each visit to a VM, so that it is known which ones nobody visits. @default false */
  readonly countsVisits?: boolean;
  /** Asks the door who is not among the routes: claims are served before the next reload. @default false */
  readonly findsNew?: boolean;
  /** The API's replicas behind one port of Nginx; null where the API listens there itself. */
  readonly api: ApiFront | null;
  /** @default {@link defaultLimits} */
  readonly limits?: ProxyLimits;
  /** Addresses and networks whose word is taken for where a visitor comes from. @default none */
  readonly trustedProxies?: readonly string[];
  /** The service's own name, which a guest is told where a visitor names no host at all. @default localhost */
  readonly publicHost?: string;
  /** Listens on every IPv6 address as well. @default false */
  readonly ipv6?: boolean;
}

export interface ProxyLimits {
  /** Of the headers of an answer, and of one header of a request. */
  readonly headerKiB: number;
  /** Of what is sent to a VM; 0 sets no limit. */
  readonly uploadMiB: number;
  /** How long a VM may be silent before it answers, and while it does. */
  readonly answerSeconds: number;
  /** The same for WebSockets and streams of events. */
  readonly idleSeconds: number;
  /** How long a visitor may take for the headers of a request. */
  readonly requestSeconds: number;
  /** How long what is under way goes on after a reload. */
  readonly drainSeconds: number;
  /** Requests of one visitor at a time; 0 sets no limit. */
  readonly visitorConnections: number;
  /** Requests to one hosting at a time; 0 sets no limit. */
  readonly hostingConnections: number;
  /** Of one visitor to the SSH of one VM at a time; 0 sets no limit. */
  readonly sshConnections: number;
}

export const defaultLimits: ProxyLimits = {
  headerKiB: 32,
  uploadMiB: 1024,
  answerSeconds: 300,
  idleSeconds: 3600,
  requestSeconds: 10,
  drainSeconds: 600,
  visitorConnections: 512,
  hostingConnections: 1024,
  sshConnections: 20,
};

export interface ApiFront {
  /** Address to listen on; 0.0.0.0 is every one. */
  readonly host: string;
  readonly port: number;
  /** `127.0.0.1:8001` each; one where nobody listens costs nothing. */
  readonly backends: readonly string[];
}
