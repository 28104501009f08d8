/** The least that serves the same rows by Express and pg: what the API's reads are compared with. */
import express from 'express';
import { Pool } from 'pg';

const { DATABASE, PORT = '', USERS = '[]' } = process.env;
// as many connections as the API has
const pool = new Pool({ connectionString: DATABASE, max: 16 });
const users = JSON.parse(USERS) as number[];
let next = 0;

const app = express();
app.get('/host/my', async (_request, response) => {
  const id = users[next++ % users.length];
  const { rows } = await pool.query(
    `SELECT u.id AS user_id, u.email, u.username, u.role, h.*, d.checked_at, d.differences
     FROM users u JOIN hostings h ON h.user_id = u.id LEFT JOIN drift d ON d.stack_id = h.id
     WHERE u.id = $1 AND u.deleted_at IS NULL AND h.status NOT IN ('deleted', 'failed', 'ejected')
     ORDER BY h.created_at DESC LIMIT 1`,
    [id],
  );
  response.json({ success: true, message: 'Your hosting', data: { hosting: rows[0] as unknown } });
});
app.get('/health', async (_request, response) => {
  await pool.query('SELECT version()');
  response.json({ success: true, message: 'ok', data: { status: 'ok', time: new Date().toISOString() } });
});
app.listen(Number(PORT), '127.0.0.1');
