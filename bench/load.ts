/**
 * The load: a process of its own, so many connections kept alive, one request under way on each. Plain sockets and
 * requests made beforehand, so that the measuring costs little beside what is measured; every latency is kept, in
 * microseconds, so that percentiles are exact.
 */
import { connect, type Socket } from 'node:net';

/** One request; `write`: its answer says that something was written. */
export type Ask = { path: string; body: string; write?: boolean };

export type Job = {
  host: string;
  port: number;
  headers: Record<string, string>;
  /** What is asked, in this order, and again from the start. */
  asks: Ask[];
  connections: number;
  seconds: number;
  /** Stops here even if there is time left. */
  maxRequests: number;
};

export type Measured = { requests: number; failed: number; writes: number; seconds: number; p50: number; p99: number; bytes: number };

const HEAD_END = Buffer.from('\r\n\r\n');
const CHUNKS_END = Buffer.from('0\r\n\r\n');

const requestOf = ({ host, port, headers }: Job, { path, body }: Ask): Buffer => {
  const lines = Object.entries({
    host: `${host}:${port}`,
    ...headers,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
  });
  return Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`);
};

/** Asks on one connection; `answered` says whether to go on. Resolves when it is closed. */
function client(job: Job, next: () => Buffer | null, answered: (ok: boolean, bytes: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ host: job.host, port: job.port, noDelay: true });
    let head = '';
    let left = -1;
    let bytes = 0;
    let ok = false;
    const ask = () => {
      const request = next();
      if (!request) return void socket.end(resolve);
      left = -1;
      bytes = 0;
      head = '';
      socket.write(request);
    };
    const done = () => {
      answered(ok, bytes);
      ask();
    };
    socket.on('connect', ask);
    socket.on('error', reject);
    socket.on('close', () => resolve());
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (left === -1) {
        const end = chunk.indexOf(HEAD_END);
        head += chunk.toString('latin1', 0, end === -1 ? chunk.length : end);
        if (end === -1) return;
        ok = head.startsWith('HTTP/1.1 200');
        const length = /content-length: *(\d+)/i.exec(head);
        // Without a length the answer comes in chunks; the last is empty.
        left = length ? Number(length[1]) - (chunk.length - end - 4) : Number.POSITIVE_INFINITY;
      } else left -= chunk.length;
      if (left === 0 || (left === Number.POSITIVE_INFINITY && chunk.subarray(-5).equals(CHUNKS_END))) done();
    });
  });
}

async function run(job: Job): Promise<Measured> {
  const requests = job.asks.map((ask) => requestOf(job, ask));
  const latencies: number[] = [];
  let sent = 0;
  let failed = 0;
  let writes = 0;
  let received = 0;
  const start = performance.now();
  const until = start + job.seconds * 1000;
  let last = start;
  const one = () => {
    let asked = 0;
    let write = false;
    return client(
      job,
      () => {
        asked = performance.now();
        if (asked >= until || sent >= job.maxRequests) return null;
        const at = sent++ % requests.length;
        write = job.asks[at]?.write === true;
        return requests[at] as Buffer;
      },
      (ok, bytes) => {
        last = performance.now();
        latencies.push(last - asked);
        received += bytes;
        if (!ok) failed++;
        else if (write) writes++;
      },
    );
  };
  await Promise.all(Array.from({ length: job.connections }, one));
  const sorted = Float64Array.from(latencies).sort();
  const at = (share: number) => Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 1000);
  return {
    requests: latencies.length,
    failed,
    writes,
    seconds: (last - start) / 1000,
    p50: at(0.5),
    p99: at(0.99),
    bytes: Math.round(received / Math.max(1, latencies.length)),
  };
}

process.on('message', async (job: Job) => {
  try {
    process.send?.(await run(job));
  } catch (error) {
    process.send?.({ error: String(error) });
  }
});
process.on('disconnect', () => process.exit(0));
