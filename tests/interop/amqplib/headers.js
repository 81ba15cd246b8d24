// SPDX-License-Identifier: Apache-2.0
//
// Every property and every kind of header value that amqplib writes comes back as it was, and a
// headers exchange routes by them.
'use strict';

const assert = require('assert');
const {collect, run} = require('./client');

const headers = {
  text: 'gr\u00fc\u00dfe',
  empty: '',
  yes: true,
  no: false,
  byte: 100,
  negative: -100,
  short: 30000,
  integer: 2000000000,
  long: 2 ** 40,
  longNegative: -(2 ** 40),
  double: 3.25,
  nothing: null,
  list: [1, 'two', [3.5, null], {four: 4}],
  table: {a: 1, b: {c: [true, {d: 'e'}]}},
  time: {'!': 'timestamp', value: 1700000000},
  decimal: {'!': 'decimal', value: {digits: 1234, places: 2}},
  octets: Buffer.from([0, 255, 128]),
};

run(async (connection) => {
  const channel = await connection.createChannel();
  const {queue} = await channel.assertQueue('', {exclusive: true});
  const typed = {
    'int8': {'!': 'int8', value: -5},
    'int16': {'!': 'int16', value: -500},
    'int32': {'!': 'int32', value: -50000},
    'int64': {'!': 'int64', value: -5000000000},
    'float': {'!': 'float', value: 1.5},
    'double': {'!': 'double', value: 1.1},
  };
  channel.sendToQueue(queue, Buffer.from('x'), {
    headers: {...headers, ...typed},
    contentType: 'text/plain',
    contentEncoding: 'utf-8',
    persistent: true,
    priority: 3,
    correlationId: 'c',
    replyTo: 'r',
    expiration: '60000',
    messageId: 'm',
    timestamp: 1700000000,
    type: 't',
    userId: 'guest',
    appId: 'a',
  });

  const [{properties}] = await collect(channel, queue, 1, {noAck: true});
  assert.deepStrictEqual(properties.headers, {
    ...headers,
    ...Object.fromEntries(Object.entries(typed).map(([name, {value}]) => [name, value])),
  });
  delete properties.headers;
  assert.deepStrictEqual({...properties}, {
    contentType: 'text/plain',
    contentEncoding: 'utf-8',
    deliveryMode: 2,
    priority: 3,
    correlationId: 'c',
    replyTo: 'r',
    expiration: '60000',
    messageId: 'm',
    timestamp: 1700000000,
    type: 't',
    userId: 'guest',
    appId: 'a',
    clusterId: undefined,
  });

  await channel.bindQueue(queue, 'amq.headers', '', {'x-match': 'any', format: 'pdf', pages: 2});
  channel.publish('amq.headers', '', Buffer.from('no'), {headers: {format: 'doc', pages: 3}});
  channel.publish('amq.headers', '', Buffer.from('yes'), {headers: {format: 'doc', pages: 2}});
  const [routed] = await collect(channel, queue, 1, {noAck: true});
  assert.strictEqual(routed.content.toString(), 'yes');
});
