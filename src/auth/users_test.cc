// SPDX-License-Identifier: Apache-2.0
#include "auth/users.h"

#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace leveret {
namespace {

using Reason = LoginRefusal::Reason;

bool vhost_exists(const std::string& name) { return name == "/" || name == "shop"; }

/// A book with guest, who may do everything in `/`.
Users a_book() {
  Users users({}, {}, vhost_exists);
  EXPECT_TRUE(users.add_user("guest", "guest"));
  EXPECT_TRUE(users.set_tags("guest", {"administrator"}));
  EXPECT_TRUE(users.set_permissions({"guest", "/", ".*", ".*", ".*"}));
  return users;
}

template <class One>
const One& only_change(const UsersChanges& changes) {
  EXPECT_TRUE(changes);
  EXPECT_EQ(changes->size(), 1u);
  return std::get<One>(changes->front());
}

void expect_refusal(const UsersChanges& changes, UsersError error, std::string_view text) {
  ASSERT_FALSE(changes);
  EXPECT_EQ(changes.error().error, error);
  EXPECT_EQ(changes.error().text, text);
}

Reason refusal_of(const Users& users, std::string_view user, std::string_view password) {
  const auto snapshot = users.snapshot();
  const auto answer = snapshot->authenticate(user, password);
  EXPECT_FALSE(answer);
  return answer.error().reason;
}

TEST(Users, log_in_with_their_password_and_with_no_other) {
  const Users users = a_book();

  const auto snapshot = users.snapshot();
  const auto answer = snapshot->authenticate("guest", "guest");

  ASSERT_TRUE(answer);
  EXPECT_EQ((*answer)->record.name, "guest");
  EXPECT_TRUE((*answer)->has_tag("administrator"));
  EXPECT_FALSE((*answer)->has_tag("monitoring"));
  EXPECT_EQ(refusal_of(users, "guest", "Guest"), Reason::wrong_password);
  EXPECT_EQ(refusal_of(users, "guest", ""), Reason::blank_password);
  EXPECT_EQ(refusal_of(users, "nobody", "guest"), Reason::unknown_user);
}

TEST(Users, change_and_clear_passwords) {
  Users users = a_book();

  EXPECT_EQ(only_change<PutUser>(users.change_password("guest", "new")).user.tags,
            std::vector<std::string>{"administrator"});
  EXPECT_EQ(refusal_of(users, "guest", "guest"), Reason::wrong_password);
  EXPECT_TRUE(users.snapshot()->authenticate("guest", "new"));

  EXPECT_EQ(only_change<PutUser>(users.clear_password("guest")).user.password_hash, "");
  EXPECT_EQ(refusal_of(users, "guest", "new"), Reason::passwordless);
  EXPECT_EQ(refusal_of(users, "guest", ""), Reason::blank_password);
}

TEST(Users, with_a_blank_password_cannot_log_in) {
  Users users = a_book();
  ASSERT_TRUE(users.add_user("blank", ""));
  EXPECT_EQ(refusal_of(users, "blank", ""), Reason::blank_password);
}

TEST(Users, refuse_what_rabbitmq_refuses_in_its_words) {
  Users users = a_book();
  const auto before = users.snapshot();

  expect_refusal(users.add_user("guest", "x"), UsersError::user_exists,
                 "User \"guest\" already exists");
  expect_refusal(users.add_user("", "x"), UsersError::invalid_name,
                 "user cannot be an empty string");
  const std::string no_user = "User \"nobody\" does not exist";
  expect_refusal(users.delete_user("nobody"), UsersError::no_such_user, no_user);
  expect_refusal(users.change_password("nobody", "x"), UsersError::no_such_user, no_user);
  expect_refusal(users.clear_password("nobody"), UsersError::no_such_user, no_user);
  expect_refusal(users.set_tags("nobody", {}), UsersError::no_such_user, no_user);
  expect_refusal(users.clear_permissions("nobody", "nowhere"), UsersError::no_such_user, no_user);
  expect_refusal(users.clear_permissions("guest", "nowhere"), UsersError::no_such_vhost,
                 "Virtual host nowhere does not exist");
  // The pattern is looked at first, then the user, then the vhost.
  expect_refusal(users.set_permissions({"nobody", "nowhere", "(", "", ""}),
                 UsersError::invalid_regex, "{:invalid_regexp, '(', {'missing )', 1}}");
  expect_refusal(users.set_permissions({"nobody", "nowhere", "", "", ""}), UsersError::no_such_user,
                 no_user);
  expect_refusal(users.set_permissions({"guest", "nowhere", "", "", ""}), UsersError::no_such_vhost,
                 "Virtual host nowhere does not exist");

  EXPECT_EQ(users.snapshot(), before);  // Nothing was changed by any of them.
}

TEST(Users, that_are_deleted_take_their_permissions_with_them) {
  Users users = a_book();

  EXPECT_EQ(only_change<DeleteUser>(users.delete_user("guest")).name, "guest");
  ASSERT_TRUE(users.add_user("guest", "guest"));

  EXPECT_FALSE(users.snapshot()->may_access_vhost("guest", "/"));
  EXPECT_TRUE(users.list_permissions().empty());
}

TEST(Users, that_are_put_keep_their_permissions) {
  Users users = a_book();
  const UserRecord exported{"guest",
                            "f0xNnXyGleZSirLUhxCeS1u3ZZU=",
                            "rabbit_password_hashing_md5",
                            {"monitoring", "management"}};

  EXPECT_EQ(only_change<PutUser>(users.put_user(exported)).user, exported);

  EXPECT_EQ(users.list_users(), std::vector{exported});
  EXPECT_TRUE(users.snapshot()->authenticate("guest", "guest"));
  EXPECT_TRUE(users.snapshot()->may_access_vhost("guest", "/"));
}

TEST(Users, that_are_put_have_a_hash_that_can_be_read) {
  Users users = a_book();
  expect_refusal(users.put_user({"a", "AAAA", "rot13", {}}), UsersError::unknown_hashing_algorithm,
                 "user 'a': hashing algorithm 'rot13' is not known");
  expect_refusal(users.put_user({"a", "A-A", "", {}}), UsersError::invalid_password_hash,
                 "user 'a': the password hash is not base64");
  EXPECT_EQ(only_change<PutUser>(users.put_user({"a", "", "", {}})).user.hashing_algorithm,
            "rabbit_password_hashing_sha256");
}

TEST(Permissions, are_by_user_vhost_and_verb) {
  Users users = a_book();
  ASSERT_TRUE(users.add_user("app", "x"));
  const PermissionRecord record{"app", "shop", "^$", "^(orders|amq\\.default)$", "^orders"};
  EXPECT_EQ(only_change<PutPermission>(users.set_permissions(record)).permission, record);

  const auto auth = users.snapshot();

  EXPECT_TRUE(auth->may_access_vhost("app", "shop"));
  EXPECT_FALSE(auth->may_access_vhost("app", "/"));
  EXPECT_FALSE(auth->may_access_vhost("nobody", "shop"));
  EXPECT_FALSE(auth->check("app", "shop", Permission::configure, "orders"));
  EXPECT_TRUE(auth->check("app", "shop", Permission::write, "orders"));
  EXPECT_FALSE(auth->check("app", "shop", Permission::write, "orders.eu"));
  EXPECT_TRUE(auth->check("app", "shop", Permission::read, "orders.eu"));
  EXPECT_FALSE(auth->check("app", "/", Permission::read, "orders"));
  EXPECT_FALSE(auth->check("nobody", "shop", Permission::read, "orders"));
  EXPECT_EQ(auth->permissions("app", "/"), nullptr);
}

TEST(Permissions, know_the_default_exchange_by_its_other_name) {
  Users users = a_book();
  ASSERT_TRUE(users.set_permissions({"guest", "/", "^$", "^amq\\.default$", ""}));

  const auto auth = users.snapshot();

  EXPECT_TRUE(auth->check("guest", "/", Permission::write, ""));
  EXPECT_TRUE(auth->check("guest", "/", Permission::write, "amq.default"));
  EXPECT_FALSE(auth->check("guest", "/", Permission::configure, ""));
  EXPECT_FALSE(auth->check("guest", "/", Permission::read, ""));
}

TEST(Permissions, to_nothing_still_open_the_vhost) {
  Users users = a_book();
  ASSERT_TRUE(users.set_permissions({"guest", "shop", "", "", ""}));

  EXPECT_TRUE(users.snapshot()->may_access_vhost("guest", "shop"));
  EXPECT_FALSE(users.snapshot()->check("guest", "shop", Permission::read, "q"));

  EXPECT_EQ(only_change<DeletePermission>(users.clear_permissions("guest", "shop")).vhost, "shop");
  EXPECT_FALSE(users.snapshot()->may_access_vhost("guest", "shop"));
  EXPECT_TRUE(users.clear_permissions("guest", "shop"));
}

TEST(Permissions, go_with_their_vhost) {
  Users users = a_book();
  ASSERT_TRUE(users.set_permissions({"guest", "shop", "", "", ""}));

  users.remove_vhost("shop");

  EXPECT_FALSE(users.snapshot()->may_access_vhost("guest", "shop"));
  EXPECT_TRUE(users.snapshot()->may_access_vhost("guest", "/"));
}

TEST(Permissions, are_listed_in_order) {
  Users users = a_book();
  ASSERT_TRUE(users.add_user("app", "x"));
  const PermissionRecord app{"app", "shop", "a", "b", "c"};
  const PermissionRecord guest{"guest", "/", ".*", ".*", ".*"};
  const PermissionRecord guest_shop{"guest", "shop", "", "", ""};
  ASSERT_TRUE(users.set_permissions(guest_shop));
  ASSERT_TRUE(users.set_permissions(app));

  EXPECT_EQ(users.list_permissions(), (std::vector{app, guest, guest_shop}));
  EXPECT_EQ(users.list_vhost_permissions("shop"), (std::vector{app, guest_shop}));
  EXPECT_EQ(users.list_user_permissions("guest"), (std::vector{guest, guest_shop}));
  EXPECT_FALSE(users.list_user_permissions("nobody"));
}

TEST(AuthSnapshot, stays_as_it_was_while_the_book_changes) {
  Users users = a_book();
  const auto before = users.snapshot();
  const UserPermissions* granted = before->permissions("guest", "/");
  ASSERT_NE(granted, nullptr);

  ASSERT_TRUE(users.set_permissions({"guest", "/", "", "", ""}));
  ASSERT_TRUE(users.delete_user("guest"));

  EXPECT_TRUE(granted->may(Permission::write, "q"));
  EXPECT_TRUE(before->authenticate("guest", "guest"));
  EXPECT_FALSE(users.snapshot()->authenticate("guest", "guest"));
}

TEST(AuthSnapshot, knows_who_may_come_from_here_only) {
  Users users = a_book();
  EXPECT_TRUE(users.snapshot()->is_loopback_only("guest"));
  EXPECT_FALSE(users.snapshot()->is_loopback_only("app"));

  users.set_loopback_users({});
  EXPECT_FALSE(users.snapshot()->is_loopback_only("guest"));
}

TEST(Users, are_put_back_by_a_copy) {
  Users users = a_book();
  const Users before = users;
  ASSERT_TRUE(users.delete_user("guest"));

  users = before;

  EXPECT_TRUE(users.snapshot()->authenticate("guest", "guest"));
}

TEST(Users, read_from_the_store_grant_nothing_that_cannot_be_read) {
  const PermissionRecord broken{"guest", "/", ".*", "(", ".*"};
  const Users users({{"guest", "", "rot13", {}}}, {broken, {"ghost", "/", ".*", ".*", ".*"}},
                    vhost_exists);

  const auto auth = users.snapshot();

  EXPECT_TRUE(auth->may_access_vhost("guest", "/"));
  EXPECT_FALSE(auth->check("guest", "/", Permission::configure, "q"));
  EXPECT_FALSE(auth->check("guest", "/", Permission::write, "q"));
  EXPECT_FALSE(auth->may_access_vhost("ghost", "/"));
  EXPECT_EQ(users.list_permissions(), std::vector{broken});
}

TEST(Users, whose_password_scheme_is_unknown_do_not_log_in) {
  const Users users({{"guest", "AAAA", "rot13", {}}}, {}, vhost_exists);
  EXPECT_EQ(refusal_of(users, "guest", "guest"), Reason::unknown_scheme);
}

}  // namespace
}  // namespace leveret
