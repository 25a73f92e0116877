import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Path of a Chromium, installed first where the system's packages can be. @throws saying how to get one. */
export function chromiumPath(): string {
  const script = fileURLToPath(new URL('./chromium.sh', import.meta.url));
  return execFileSync('sh', [script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}
