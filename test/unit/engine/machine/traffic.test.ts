/** What Nginx writes down, and what the kernel says of connections. */
import { appendFileSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseConnections } from '../../../../engine/machine/nginx/nginx-traffic';
import { parseVisits, prepareVisits, visitsReader } from '../../../../engine/machine/nginx/visits-file';

describe('visits', () => {
  it('visits are the last of each address; if several were tried, each counts', () => {
    const lines = [
      '1763800000.100 10.90.0.5:80',
      '1763800009.250 10.90.0.6:80, 10.90.0.7:80',
      '1763800005.000 10.90.0.5:22',
      '1763800004.000 10.90.0.5:80',
      // the door's own answers are nobody's visit; what it sends on is
      '1763800006.000 unix:/var/lib/x/doors/page.sock',
      '1763800007.000 unix:/var/lib/x/doors/page.sock : 10.90.0.8:80',
      '1763800008.000 -',
      'nonsense 10.90.0.9:80',
      '',
    ];
    expect([...parseVisits(lines.join('\n'))]).toEqual([
      ['10.90.0.5', 1_763_800_005_000],
      ['10.90.0.6', 1_763_800_009_250],
      ['10.90.0.7', 1_763_800_009_250],
      ['10.90.0.8', 1_763_800_007_000],
    ]);
  });

  describe('in their file', () => {
    let dir: string;
    let file: string;
    beforeEach(async () => {
      dir = mkdtempSync(path.join(tmpdir(), 'webhoster-visits-'));
      await prepareVisits(dir);
      file = path.join(dir, 'visits/log');
    });
    afterEach(() => {
      rmSync(dir, { recursive: true });
    });

    it('visits are read from where the last look ended, whole lines only', async () => {
      writeFileSync(file, 'before\n');
      const read = visitsReader(dir);
      expect(await read()).toBe('');
      expect(await read()).toBe('');
      appendFileSync(file, 'one\ntw');
      expect(await read()).toBe('one\n');
      appendFileSync(file, 'o\nthree\n');
      expect(await read()).toBe('two\nthree\n');
      expect(await read()).toBe('');
    });

    it('visits are read from the beginning if there was no file or it was truncated', async () => {
      const read = visitsReader(dir);
      expect(await read()).toBe('');
      appendFileSync(file, 'one\ntwo\n');
      expect(await read()).toBe('one\ntwo\n');
      truncateSync(file);
      appendFileSync(file, 'new\n');
      expect(await read()).toBe('new\n');
    });

    it('the file of visits does not fill the disk', async () => {
      const read = visitsReader(dir);
      await read();
      const line = '1763800000.100 10.90.0.5:80\n';
      appendFileSync(file, line.repeat(310_000));
      expect((await read()).length).toBe(line.length * 310_000);
      expect(statSync(file).size).toBe(0);
      appendFileSync(file, 'after\n');
      expect(await read()).toBe('after\n');
    });

    it('nobody else can read the file of visits', () => {
      expect(statSync(path.join(dir, 'visits')).mode & 0o777).toBe(0o700);
    });
  });
});

it('connections to the SSH or page of a VM are found, and no others', () => {
  const line = (local: string, remote: string, state: string): string =>
    `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 1 1 0 20 4 30 10 -1`;
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    line('01005A0A:9C40', '05005A0A:0016', '01'),
    line('01005A0A:9C41', '06005A0A:0050', '01'),
    // being opened, over, another port, and one that listens
    line('01005A0A:9C42', '07005A0A:0016', '02'),
    line('01005A0A:9C43', '08005A0A:0050', '06'),
    line('01005A0A:9C44', '09005A0A:1F90', '01'),
    line('00000000:0050', '00000000:0000', '0A'),
    '',
  ];
  expect([...parseConnections(table.join('\n'))].sort()).toEqual(['10.90.0.5', '10.90.0.6']);
});
