/** A request that is yet to come: its method (`GET` if there is none), and its path with the query. */
export interface PlannedRequest {
  method?: string;
  path: string;
}

/** What a call lacks (RFC 9457); docs/endpoints.md has all of it. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  reason: string;
  challenge?: Challenge;
  [more: string]: unknown;
}

export interface Challenge {
  token: string;
  action: string;
  title: string;
  level: number;
  factors: string[][];
  single_use: boolean;
  bound: [string, string][];
  expires_at: string;
  verify_url: string;
  page_url: string;
  [more: string]: unknown;
}

/** What the session holds, as `GET status` tells it. */
export interface Status {
  level: number;
  methods: string[];
  authenticated_at: string | null;
  verified_at: string | null;
  expires_at: string | null;
  grants: { action: string; level: number; expires_at: string; [more: string]: unknown }[];
  /** What was asked about. */
  route?: { guarded: boolean; satisfied: boolean; action: string | null; level: number; reason: string | null; [more: string]: unknown };
}

export interface Stepgate {
  /** Where Stepgate's endpoints are, as `/.stepup/` or `https://api.example.com/.stepup/`. */
  prefix: string;
  /**
   * Asks for what the request will need, if anything. False if the person gave up. Fails, with `problem` in the error,
   * where nothing can be asked: nobody is signed in, or the proof would be for the body that is to be sent.
   */
  verify(request: PlannedRequest & { signal?: AbortSignal }): Promise<boolean>;
  /** What the session holds, and what a request would meet. */
  status(request?: PlannedRequest): Promise<Status>;
}

/** Of `stepup:challenge`. With `preventDefault()` there is no dialog, and the call is repeated if what is waited for comes to true. */
export interface RefusedCall {
  method: string;
  url: string;
  problem: Problem & { challenge: Challenge };
  waitFor(proof: Promise<boolean> | boolean): void;
}

declare global {
  interface Window {
    /** Nothing where there is no page, as on a server. */
    stepgate: Stepgate;
  }
  interface DocumentEventMap {
    "stepup:challenge": CustomEvent<RefusedCall>;
    "stepup:verified": CustomEvent<{ problem: Problem & { challenge: Challenge } }>;
    "stepup:cancelled": CustomEvent<{ problem: Problem & { challenge: Challenge } }>;
  }
}

declare const stepgate: Stepgate;
export default stepgate;
