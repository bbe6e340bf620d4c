// A small server that speaks the wire protocol of SQL Server (MS-TDS 7.4) in front of SQLite, so that mssql, tedious
// and our driver run for real where no SQL Server is: parameter types, transactions, error numbers, refused logins
// and lost connections. What T-SQL means is proved on a SQL server alone (SQL_CONNECTION_STRING).

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { TdsReply, type TdsParameter, readExecuteSql, readPackets } from './tds-messages';

export interface TdsStandIn {
  readonly connectionString: string;
  /** From now on logins are refused with this error number; undefined lets them in again. */
  readonly refuseLogins: (errorNumber: number | undefined) => void;
  /** The next statement with these words is refused with this error number, as a deadlock is. */
  readonly refuseNext: (words: string, errorNumber: number) => void;
  /** Cuts every connection, as a failover does. */
  readonly cutConnections: () => void;
  /** Logins tried so far, refused ones included. */
  readonly logins: () => number;
  /** Parameters of every statement so far. */
  readonly parameters: readonly TdsParameter[];
  readonly stop: () => Promise<void>;
}

interface State {
  readonly file: string;
  refusedWith: number | undefined;
  refuseOnce: { words: string; errorNumber: number } | undefined;
  logins: number;
  readonly parameters: TdsParameter[];
}

export async function startTdsStandIn(): Promise<TdsStandIn> {
  const directory = await mkdtemp(join(tmpdir(), 'broker-tds-'));
  const state: State = {
    file: join(directory, 'server.db'),
    refusedWith: undefined,
    refuseOnce: undefined,
    logins: 0,
    parameters: [],
  };
  const database = new DatabaseSync(state.file);
  database.exec('pragma journal_mode = wal');
  database.close();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const session = new Session(socket, state);
    socket.on('close', () => {
      sockets.delete(socket);
      session.close();
    });
    socket.on('error', () => socket.destroy());
    void session.serve();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  const cutConnections = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    connectionString: `Server=127.0.0.1,${address.port};Database=topics;User Id=sa;Password=unused;Encrypt=false`,
    refuseLogins: (errorNumber) => {
      state.refusedWith = errorNumber;
    },
    refuseNext: (words, errorNumber) => {
      state.refuseOnce = { words, errorNumber };
    },
    cutConnections,
    logins: () => state.logins,
    parameters: state.parameters,
    stop: async () => {
      cutConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** One connection: a SQLite connection of its own, hence transactions of its own. */
class Session {
  readonly #socket: Socket;
  readonly #state: State;
  readonly #database: DatabaseSync;
  #open = true;

  constructor(socket: Socket, state: State) {
    this.#socket = socket;
    this.#state = state;
    this.#database = new DatabaseSync(state.file);
    this.#database.function('charindex', (part, text) => String(text).indexOf(String(part)) + 1);
  }

  close(): void {
    if (this.#open) this.#database.close();
    this.#open = false;
  }

  async serve(): Promise<void> {
    try {
      for await (const { type, data } of readPackets(this.#socket)) {
        const reply = await this.#answer(type, data);
        if (this.#socket.writable) this.#socket.write(reply.toPackets());
      }
    } catch {
      // The client went away in the middle of a message.
      this.#socket.destroy();
    }
  }

  async #answer(type: number, data: Buffer): Promise<TdsReply> {
    switch (type) {
      case 0x12:
        return new TdsReply().prelogin();
      case 0x10:
        this.#state.logins++;
        return this.#state.refusedWith === undefined
          ? new TdsReply().loginAccepted().done()
          : new TdsReply().error(this.#state.refusedWith, 'refused').failed();
      case 0x0e:
        return this.#transaction(data.readUInt16LE(data.readUInt32LE(0)));
      case 0x03:
        return this.#execute(data);
      default:
        // The batch that sets the session's options.
        return new TdsReply().done();
    }
  }

  async #transaction(request: number): Promise<TdsReply> {
    if (request === 5) {
      await this.#begin();
      return new TdsReply().transactionBegun().done();
    }
    this.#database.exec(request === 7 ? 'commit' : 'rollback');
    return new TdsReply().transactionEnded(request === 7 ? 9 : 10).done();
  }

  /** Waits for the lock as a server would, without blocking the process in which its holder may run. */
  async #begin(): Promise<void> {
    for (;;) {
      try {
        this.#database.exec('begin immediate');
        return;
      } catch (error) {
        if (errorCode(error) !== 5) throw error;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }

  #execute(data: Buffer): TdsReply {
    const { sql, parameters } = readExecuteSql(data);
    this.#state.parameters.push(...parameters);
    const refusal = this.#state.refuseOnce;
    if (refusal && sql.includes(refusal.words)) {
      this.#state.refuseOnce = undefined;
      return new TdsReply().error(refusal.errorNumber, 'refused').failed();
    }
    try {
      const statement = this.#database.prepare(toSqlite(sql));
      return run(statement, Object.fromEntries(parameters.map(({ name, value }) => [name, value])));
    } catch (error) {
      const isUnique = [1555, 2067].includes(errorCode(error) ?? 0);
      return new TdsReply().error(isUnique ? 2627 : 50_000, String(error)).failed();
    }
  }
}

function run(statement: StatementSync, values: Record<string, SQLInputValue>): TdsReply {
  const columns = statement.columns().map(({ name }) => name);
  if (columns.length === 0) return new TdsReply().rowCount(Number(statement.run(values).changes)).done();
  statement.setReadBigInts(true);
  const rows = statement.all(values);
  const texts = rows.map((row) => columns.map((name) => toText(row[name])));
  return new TdsReply().rows(columns, texts).rowCount(rows.length).done();
}

/** Every column goes over the wire as nvarchar(max); 64-bit integers of SQL Server reach the program as texts too. */
function toText(value: SQLOutputValue | undefined): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'object') throw new Error('the tables hold no bytes');
  return String(value);
}

/** The few places where the statements of the program differ between the two languages. */
function toSqlite(sql: string): string {
  if (sql.includes('sp_getapplock')) return 'select 0 as result';
  return sql
    .replace(/offset (@p\d+) rows fetch next (@p\d+) rows only/g, 'limit $2 offset $1')
    .replace(/offset (@p\d+) rows/g, 'limit -1 offset $1')
    .replace(/nvarchar\((\d+|max)\) collate Latin1_General_BIN2/g, 'text')
    .replace(
      /select TABLE_NAME as \[name\], TABLE_SCHEMA as \[schema\] from INFORMATION_SCHEMA.TABLES/,
      "select name, 'dbo' as schema from sqlite_master where type = 'table'",
    );
}

function errorCode(error: unknown): number | undefined {
  return typeof error === 'object' && error !== null && 'errcode' in error
    ? Number(error.errcode)
    : undefined;
}
