/** Images need a directory and no secrets: building one must work before anything is configured. */
import path from 'node:path';

export function imageSettings(): { imagesDir: string } {
  return { imagesDir: path.join(process.env.CACHE_DIR || '/var/cache/vm-webhoster', 'images') };
}
