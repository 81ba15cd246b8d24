// SPDX-License-Identifier: Apache-2.0
//
// Rascal, which builds on amqplib: a topology from a configuration, confirmed publications, a
// subscription that gives failed messages back with a delay and then to a dead letter queue.
'use strict';

const assert = require('assert');
const {BrokerAsPromised} = require('rascal');

const EVENT_MILLISECONDS_MAX = 15000;

const config = (url) => ({
  vhosts: {
    '/': {
      connection: {url, retry: {min: 100, max: 1000, factor: 2}},
      exchanges: {'rascal.orders': {type: 'topic'}, 'rascal.delay': {type: 'direct'}},
      queues: {
        'rascal.orders': {options: {arguments: {
          'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'rascal.dead'}}},
        'rascal.delay': {options: {arguments: {
          'x-message-ttl': 50, 'x-dead-letter-exchange': '',
          'x-dead-letter-routing-key': 'rascal.orders'}}},
        'rascal.dead': {},
      },
      bindings: [
        'rascal.orders[order.#] -> rascal.orders',
        'rascal.delay[later] -> rascal.delay',
      ],
      publications: {
        order: {exchange: 'rascal.orders', routingKey: 'order.new', confirm: true},
        later: {exchange: 'rascal.delay', routingKey: 'later', confirm: true},
      },
      subscriptions: {
        orders: {queue: 'rascal.orders', prefetch: 10, contentType: 'application/json'},
        dead: {queue: 'rascal.dead', contentType: 'application/json'},
      },
    },
  },
});

function settled(publication) {
  return new Promise((resolve, reject) => {
    publication.once('success', resolve).once('error', reject).once('return', reject);
  });
}

async function talk() {
  const broker = await BrokerAsPromised.create(config(process.argv[2]));
  const failures = [];
  broker.on('error', (error) => failures.push(error));

  const done = [];
  const attempts = new Map();
  let finish;
  const finished = new Promise((resolve) => { finish = resolve; });
  const orders = await broker.subscribe('orders');
  orders.on('message', (message, content, ackOrNack) => {
    attempts.set(content.number, (attempts.get(content.number) || 0) + 1);
    // One fails for good, one at its first attempt.
    if (content.number === 3) return ackOrNack(new Error('never'), {strategy: 'nack'});
    if (content.number === 5 && attempts.get(5) === 1) {
      return ackOrNack(new Error('not yet'), [{strategy: 'republish', defer: 10, attempts: 2}]);
    }
    ackOrNack();
    done.push(content.number);
    if (done.length === 20) finish();
  });
  for (let number = 0; number < 20; ++number) {
    await settled(await broker.publish('order', {number}));
  }
  await settled(await broker.publish('later', {number: 20}));
  await finished;
  assert.deepStrictEqual(done.sort((a, b) => a - b), [...Array(21).keys()].filter((n) => n !== 3));
  assert.strictEqual(attempts.get(5), 2);

  const dead = await broker.subscribe('dead');
  const content = await new Promise((resolve) => {
    dead.on('message', (message, body, ackOrNack) => {
      ackOrNack();
      resolve([body.number, message.properties.headers['x-death'][0].reason]);
    });
  });
  assert.deepStrictEqual(content, [3, 'rejected']);
  assert.deepStrictEqual(failures, []);
  await broker.nuke();
  await broker.shutdown();
}

const late = setTimeout(() => {
  console.error(`nothing in ${EVENT_MILLISECONDS_MAX} ms`);
  process.exit(1);
}, EVENT_MILLISECONDS_MAX);
talk().then(
  () => clearTimeout(late),
  (error) => {
    console.error(error);
    process.exit(1);
  });
