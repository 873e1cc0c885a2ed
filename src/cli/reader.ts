import type {
  AuditFilter,
  AuditLine,
  ExplainQuery,
  Explanation,
  LogsQuery,
  PlanDocument,
  Status,
  SurfaceLogLine,
} from '../model/surface.ts';

/** What would change: if `ref` were main now, or the files in `dir`; with neither, what is on main. */
export interface PlanOptions {
  readonly ref: string | null;
  readonly dir: string | null;
}

/** The outcome of checking the audit chain. `message` names the first bad line. */
export interface AuditVerdict {
  readonly ok: boolean;
  readonly message: string;
  readonly lines: number;
  /** `ID:HASH` of the last good line. */
  readonly head: string;
}

/** What commands read: from a running daemon over HTTP, or from the data folder of this machine. Never changes anything. */
export interface Reader {
  /** With a commit, the answer has `about`: what is known of it. */
  status(options?: { readonly commit: string | null }): Promise<Status>;
  plan(options: PlanOptions): Promise<PlanDocument>;
  /** In the order of the log. */
  audit(filter: AuditFilter): AsyncIterable<AuditLine>;
  /** With a head kept elsewhere (`ID:HASH`) a cut tail shows too. */
  verifyAudit(head: string | null): Promise<AuditVerdict>;
  /** Ends when the log does, or without an error when the signal aborts. */
  logs(options: LogsQuery, signal: AbortSignal): AsyncIterable<SurfaceLogLine>;
  /** The commit of the followed branch, or of what another environment comes from, listed now. */
  tip(options?: { readonly env: string | null }): Promise<string>;
  /** Why an app is as it is. Throws `not-found` where there is no such app. */
  explain(query: ExplainQuery): Promise<Explanation>;
  close(): Promise<void>;
}
