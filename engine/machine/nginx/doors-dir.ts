import path from 'node:path';

/** Where the sockets of the doors are: in Nginx's own directory, which containers share. */
export function doorsIn(nginxDir: string): string {
  return path.join(nginxDir, 'doors');
}
