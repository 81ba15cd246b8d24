// SPDX-License-Identifier: Apache-2.0
#include "journal/testing/simulated_file_system.h"

#include "base/assert.h"

#include <algorithm>
#include <utility>

namespace leveret {
namespace {

std::unexpected<Error> failed(std::errc code, const Operation& operation) {
  return failure(std::make_error_code(code), operation.text());
}

/// What the tree says, with what was done.
Result<void> told(SimulatedTree::Outcome<void> outcome, const Operation& operation) {
  if (!outcome) return failed(outcome.error(), operation);
  return {};
}

void do_nothing() {}

}  // namespace

template <class Act, class OnFault, class OnKill>
auto SimulatedFileSystem::perform(Operation operation, std::optional<std::uint64_t> life, Act act,
                                  OnFault on_fault, OnKill on_kill) -> decltype(act()) {
  std::unique_lock lock(mutex_);
  const std::uint64_t born = life.value_or(life_);
  if (state_ != State::up || born != life_) return failed(std::errc::owner_dead, operation);
  count(operation);
  if (const auto hook = hook_) {
    lock.unlock();
    hook(operation);
    lock.lock();
    if (state_ != State::up || born != life_) {
      if (state_ == State::killed && born + 1 == life_) on_kill();
      return failed(std::errc::owner_dead, operation);
    }
  }
  if (const auto code = take_fault(operation.kind)) {
    on_fault();
    return failed(*code, operation);
  }
  return act();
}

template <class Act>
auto SimulatedFileSystem::perform(Operation operation, Act act) -> decltype(act()) {
  return perform(std::move(operation), std::nullopt, std::move(act), do_nothing, do_nothing);
}

class SimulatedFileSystem::SimulatedFile final : public File {
 public:
  SimulatedFile(SimulatedFileSystem& disk, std::filesystem::path path,
                std::shared_ptr<SimulatedInode> inode, OpenMode mode, std::uint64_t life)
      : disk_(disk),
        path_(std::move(path)),
        inode_(std::move(inode)),
        may_write_(mode != OpenMode::read),
        life_(life) {
    ++inode_->opens;
  }
  ~SimulatedFile() override {
    const std::lock_guard lock(disk_.mutex_);
    if (life_ == disk_.life_) --inode_->opens;
    inode_.reset();
  }

  Result<void> write_at(std::uint64_t offset,
                        std::span<const std::span<const std::byte>> parts) override {
    std::vector<std::byte> bytes;
    for (const auto part : parts) bytes.insert(bytes.end(), part.begin(), part.end());
    const Operation operation{
        .kind = OperationKind::write, .path = path_, .offset = offset, .bytes = bytes.size()};
    const auto write_part = [&] {
      if (!may_write_) return;
      const std::uint64_t some = disk_.engine_() % (bytes.size() + 1);
      inode_->write(offset, std::span(bytes).first(fit(offset, some)));
    };
    const auto act = [&]() -> Result<void> {
      if (!may_write_) return failed(std::errc::bad_file_descriptor, operation);
      const std::uint64_t fitting = fit(offset, bytes.size());
      inode_->write(offset, std::span(bytes).first(fitting));
      if (fitting < bytes.size()) return failed(std::errc::no_space_on_device, operation);
      disk_.bytes_written_ += bytes.size();
      return {};
    };
    return disk_.perform(operation, life_, act, write_part, write_part);
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
    const Operation operation{
        .kind = OperationKind::read, .path = path_, .offset = offset, .bytes = into.size()};
    return perform(operation, [&]() -> Result<std::size_t> {
      if (!inode_->is_readable(offset, into.size())) return failed(std::errc::io_error, operation);
      return inode_->read(offset, into);
    });
  }

  Result<void> sync() override {
    const auto act = [&]() -> Result<void> {
      inode_->sync();
      return {};
    };
    const auto on_fault = [&] { inode_->fail_sync(disk_.engine_); };
    return disk_.perform({.kind = OperationKind::sync, .path = path_}, life_, act, on_fault,
                         do_nothing);
  }

  Result<std::uint64_t> size() override {
    return perform({.kind = OperationKind::size, .path = path_},
                   [&]() -> Result<std::uint64_t> { return inode_->size(); });
  }

  Result<void> truncate(std::uint64_t bytes) override {
    const Operation operation{.kind = OperationKind::truncate, .path = path_, .bytes = bytes};
    return perform(operation, [&]() -> Result<void> {
      if (!may_write_) return failed(std::errc::invalid_argument, operation);
      inode_->truncate(bytes);
      return {};
    });
  }

  Result<void> allocate(std::uint64_t bytes) override {
    const Operation operation{.kind = OperationKind::allocate, .path = path_, .bytes = bytes};
    return perform(operation, [&]() -> Result<void> {
      if (!may_write_) return failed(std::errc::bad_file_descriptor, operation);
      if (inode_->pages_to_allocate(bytes) > disk_.pages_left()) {
        return failed(std::errc::no_space_on_device, operation);
      }
      inode_->allocate(bytes);
      return {};
    });
  }

  Result<void> advise_sequential() override { return will_need(0, 0); }
  Result<void> will_need(std::uint64_t offset, std::uint64_t bytes) override {
    return perform({.kind = OperationKind::advise, .path = path_, .offset = offset, .bytes = bytes},
                   [] { return Result<void>(); });
  }

 private:
  template <class Act>
  auto perform(Operation operation, Act act) -> decltype(act()) {
    return disk_.perform(std::move(operation), life_, std::move(act), do_nothing, do_nothing);
  }

  std::uint64_t fit(std::uint64_t offset, std::uint64_t bytes) const {
    return inode_->bytes_that_fit(offset, bytes, disk_.pages_left());
  }

  SimulatedFileSystem& disk_;
  const std::filesystem::path path_;
  std::shared_ptr<SimulatedInode> inode_;
  const bool may_write_;
  const std::uint64_t life_;
};

Result<std::unique_ptr<File>> SimulatedFileSystem::open(const std::filesystem::path& path,
                                                        OpenMode mode) {
  const bool is_new = mode == OpenMode::create_new;
  const Operation operation{.kind = is_new ? OperationKind::create : OperationKind::open,
                            .path = path};
  return perform(operation, [&]() -> Result<std::unique_ptr<File>> {
    if (is_new) {
      auto made = std::make_shared<SimulatedInode>();
      if (const auto added = tree_.add(path, {.file = made}); !added) {
        return failed(added.error(), operation);
      }
      std::erase_if(inodes_, [](const auto& known) { return known.expired(); });
      inodes_.push_back(made);
    }
    auto file = tree_.find_file(path);
    if (!file) return failed(file.error(), operation);
    return std::make_unique<SimulatedFile>(*this, path, std::move(*file), mode, life_);
  });
}

Result<std::vector<std::string>> SimulatedFileSystem::list(const std::filesystem::path& directory) {
  const Operation operation{.kind = OperationKind::list, .path = directory};
  return perform(operation, [&]() -> Result<std::vector<std::string>> {
    const auto found = tree_.find_directory(directory);
    if (!found) return failed(found.error(), operation);
    std::vector<std::string> names;
    names.reserve((*found)->names.size());
    for (const auto& [name, node] : (*found)->names) names.push_back(name);
    return names;
  });
}

Result<void> SimulatedFileSystem::make_directory(const std::filesystem::path& directory) {
  const Operation operation{.kind = OperationKind::make_directory, .path = directory};
  return perform(operation, [&] {
    if (tree_.find_directory(directory)) return Result<void>();
    return told(tree_.add(directory, {.directory = std::make_shared<SimulatedTree::Directory>()}),
                operation);
  });
}

Result<void> SimulatedFileSystem::remove(const std::filesystem::path& path) {
  const Operation operation{.kind = OperationKind::remove, .path = path};
  return perform(operation, [&] { return told(tree_.remove(path), operation); });
}

Result<void> SimulatedFileSystem::rename(const std::filesystem::path& from,
                                         const std::filesystem::path& to) {
  const Operation operation{.kind = OperationKind::rename, .path = from};
  return perform(operation, [&] { return told(tree_.rename(from, to), operation); });
}

Result<void> SimulatedFileSystem::sync_directory(const std::filesystem::path& directory) {
  const Operation operation{.kind = OperationKind::sync_directory, .path = directory};
  return perform(operation, [&]() -> Result<void> {
    const auto found = tree_.find_directory(directory);
    if (!found) return failed(found.error(), operation);
    tree_.sync(*found);
    return {};
  });
}

Result<std::uint64_t> SimulatedFileSystem::free_bytes(const std::filesystem::path& directory) {
  const Operation operation{.kind = OperationKind::free_bytes, .path = directory};
  return perform(operation, [&]() -> Result<std::uint64_t> {
    if (const auto found = tree_.find(directory); !found) return failed(found.error(), operation);
    return pages_left() * SparseBytes::page_bytes;
  });
}

void SimulatedFileSystem::power_loss(std::uint64_t seed) {
  const std::lock_guard lock(mutex_);
  die(State::powerless);
  Fates::Engine engine(seed);
  for (const auto& file : tree_.lose_power(engine)) file->lose_power(engine);
}

void SimulatedFileSystem::kill() {
  const std::lock_guard lock(mutex_);
  die(State::killed);
}

void SimulatedFileSystem::die(State state) {
  state_ = state;
  ++life_;
  for (const auto& known : inodes_) {
    if (const auto file = known.lock()) file->opens = 0;
  }
}

void SimulatedFileSystem::restart() {
  const std::lock_guard lock(mutex_);
  LEVERET_ASSERT(state_ != State::up, "restart() without a death");
  state_ = State::up;
}

void SimulatedFileSystem::fail(Fault fault) {
  const std::lock_guard lock(mutex_);
  faults_.push_back(fault);
}

void SimulatedFileSystem::clear_faults() {
  const std::lock_guard lock(mutex_);
  faults_.clear();
}

void SimulatedFileSystem::set_capacity(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  pages_max_ = bytes / SparseBytes::page_bytes;
}

std::uint64_t SimulatedFileSystem::bytes_in_use() const {
  const std::lock_guard lock(mutex_);
  return pages_in_use() * SparseBytes::page_bytes;
}

void SimulatedFileSystem::make_unreadable(const std::filesystem::path& path, std::uint64_t offset,
                                          std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  inode(path).make_unreadable(offset, bytes);
}

void SimulatedFileSystem::flip_bits(const std::filesystem::path& path, std::uint64_t offset,
                                    std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  inode(path).flip_bits(offset, bytes, engine_);
}

void SimulatedFileSystem::on_operation(std::function<void(const Operation&)> hook) {
  const std::lock_guard lock(mutex_);
  hook_ = std::move(hook);
}

std::uint64_t SimulatedFileSystem::operations() const {
  const std::lock_guard lock(mutex_);
  return operations_;
}

std::uint64_t SimulatedFileSystem::operations(OperationKind kind) const {
  const std::lock_guard lock(mutex_);
  return counts_[static_cast<std::size_t>(kind)];
}

std::uint64_t SimulatedFileSystem::steps() const {
  const std::lock_guard lock(mutex_);
  return steps_;
}

std::uint64_t SimulatedFileSystem::bytes_written() const {
  const std::lock_guard lock(mutex_);
  return bytes_written_;
}

void SimulatedFileSystem::count(Operation& operation) {
  operation.number = operations_++;
  ++counts_[static_cast<std::size_t>(operation.kind)];
  if (is_step(operation.kind)) operation.step = steps_++;
}

std::optional<std::errc> SimulatedFileSystem::take_fault(OperationKind kind) {
  std::optional<std::errc> code;
  for (Fault& fault : faults_) {
    if (fault.kind && fault.kind != kind) continue;
    if (fault.after > 0) {
      --fault.after;
    } else if (!code && fault.times > 0) {
      --fault.times;
      code = fault.code;
    }
  }
  return code;
}

std::uint64_t SimulatedFileSystem::pages_in_use() const {
  std::uint64_t pages = 0;
  for (const auto& known : inodes_) {
    const auto file = known.lock();
    if (file && (file->names > 0 || file->opens > 0)) pages += file->pages_in_use();
  }
  return pages;
}

std::uint64_t SimulatedFileSystem::pages_left() const {
  const std::uint64_t in_use = pages_in_use();
  return pages_max_ - std::min(in_use, pages_max_);
}

SimulatedInode& SimulatedFileSystem::inode(const std::filesystem::path& path) const {
  const auto file = tree_.find_file(path);
  LEVERET_ASSERT(file, "there is no file {}", path.string());
  return **file;
}

}  // namespace leveret
