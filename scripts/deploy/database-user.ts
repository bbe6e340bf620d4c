// The database user of the function app: its managed identity, with the rights to read and write rows and no more.

/**
 * T-SQL that may be repeated. The user is named by its client id, not looked up in Entra: the SQL server has no right
 * to ask there (https://learn.microsoft.com/sql/t-sql/statements/create-user-transact-sql, `WITH SID, TYPE = E`).
 * @throws Error when a name or client id is not one
 */
export function databaseUserStatements(identity: string, clientId: string): readonly string[] {
  if (!/^[\w-]{3,128}$/.test(identity)) throw new Error('this is no name of an identity');
  return [
    `if not exists (select 1 from sys.database_principals where name = N'${identity}')
       create user [${identity}] with sid = ${sidOf(clientId)}, type = E`,
    `alter role db_datareader add member [${identity}]`,
    `alter role db_datawriter add member [${identity}]`,
  ];
}

/** A client id in the order of bytes that SQL Server keeps: the first three groups turned round. */
export function sidOf(clientId: string): string {
  const groups = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/i.exec(clientId);
  if (!groups) throw new Error('this is no client id');
  const [, first = '', second = '', third = '', fourth = '', fifth = ''] = groups;
  const turned = [first, second, third].map((group) => Buffer.from(group, 'hex').reverse().toString('hex'));
  return `0x${[...turned, fourth, fifth].join('').toUpperCase()}`;
}
