// SPDX-License-Identifier: Apache-2.0
#include "journal/testing/simulated_tree.h"

#include <utility>

namespace leveret {

SimulatedTree::Outcome<SimulatedTree::Node> SimulatedTree::find(
    const std::filesystem::path& path) const {
  Node found{.directory = root_};
  for (const auto& part : path.lexically_normal()) {
    if (part.empty() || part == "/" || part == ".") continue;
    if (!found.directory) return std::unexpected(std::errc::not_a_directory);
    const auto entry = found.directory->names.find(part.string());
    if (entry == found.directory->names.end()) {
      return std::unexpected(std::errc::no_such_file_or_directory);
    }
    found = entry->second;
  }
  return found;
}

SimulatedTree::Outcome<std::shared_ptr<SimulatedInode>> SimulatedTree::find_file(
    const std::filesystem::path& path) const {
  auto node = find(path);
  if (!node) return std::unexpected(node.error());
  if (!node->file) return std::unexpected(std::errc::is_a_directory);
  return std::move(node->file);
}

SimulatedTree::Outcome<std::shared_ptr<SimulatedTree::Directory>> SimulatedTree::find_directory(
    const std::filesystem::path& path) const {
  auto node = find(path);
  if (!node) return std::unexpected(node.error());
  if (!node->directory) return std::unexpected(std::errc::not_a_directory);
  return std::move(node->directory);
}

SimulatedTree::Outcome<SimulatedTree::Place> SimulatedTree::place_of(
    const std::filesystem::path& path) const {
  auto normal = path.lexically_normal();
  if (!normal.has_filename()) normal = normal.parent_path();  // "/a/" is "/a".
  auto directory = find_directory(normal.parent_path());
  if (!directory) return std::unexpected(directory.error());
  return Place{std::move(*directory), normal.filename().string()};
}

SimulatedTree::Outcome<void> SimulatedTree::add(const std::filesystem::path& path, Node node) {
  auto place = place_of(path);
  if (!place) return std::unexpected(place.error());
  if (place->directory->names.contains(place->name)) {
    return std::unexpected(std::errc::file_exists);
  }
  carry_out({{std::move(place->directory), std::move(place->name), std::move(node)}});
  return {};
}

SimulatedTree::Outcome<void> SimulatedTree::remove(const std::filesystem::path& path) {
  if (const auto file = find_file(path); !file) return std::unexpected(file.error());
  auto place = place_of(path).value();
  carry_out({{std::move(place.directory), std::move(place.name), std::nullopt}});
  return {};
}

SimulatedTree::Outcome<void> SimulatedTree::rename(const std::filesystem::path& from,
                                                   const std::filesystem::path& to) {
  const auto file = find_file(from);
  if (!file) return std::unexpected(file.error());
  auto target = place_of(to);
  if (!target) return std::unexpected(target.error());
  const auto replaced = target->directory->names.find(target->name);
  if (replaced != target->directory->names.end()) {
    if (replaced->second.directory) return std::unexpected(std::errc::is_a_directory);
    if (replaced->second.file == *file) return {};
  }
  auto source = place_of(from).value();
  carry_out({{std::move(target->directory), std::move(target->name), Node{.file = *file}},
             {std::move(source.directory), std::move(source.name), std::nullopt}});
  return {};
}

void SimulatedTree::put(Names& names, const Change& change) {
  if (change.node) {
    names.insert_or_assign(change.name, *change.node);
  } else {
    names.erase(change.name);
  }
}

void SimulatedTree::carry_out(Step step) {
  for (const Change& change : step) {
    Names& names = change.directory->names;
    if (const auto before = names.find(change.name); before != names.end()) {
      if (before->second.file) --before->second.file->names;
    }
    put(names, change);
    if (change.node && change.node->file) ++change.node->file->names;
  }
  steps_.push_back(std::move(step));
}

void SimulatedTree::sync(const std::shared_ptr<Directory>& directory) {
  for (Step& step : steps_) {
    std::erase_if(step, [&](const Change& change) {
      if (change.directory != directory) return false;
      put(directory->on_disk, change);
      return true;
    });
  }
  std::erase_if(steps_, [](const Step& step) { return step.empty(); });
}

SimulatedTree::Inodes SimulatedTree::lose_power(Fates::Engine& engine) {
  const Fates fates(engine, steps_.size());
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const bool survives = fates[i] == Fate::torn ? engine() % 2 == 0 : fates[i] == Fate::kept;
    if (!survives) continue;
    for (const Change& change : steps_[i]) put(change.directory->on_disk, change);
  }
  steps_.clear();

  Inodes survivors;
  std::vector<std::shared_ptr<Directory>> to_visit = {root_};
  while (!to_visit.empty()) {
    const auto directory = std::move(to_visit.back());
    to_visit.pop_back();
    directory->names = directory->on_disk;
    for (const auto& [name, node] : directory->names) {
      if (node.directory) to_visit.push_back(node.directory);
      if (node.file) survivors.push_back(node.file);
    }
  }
  // A half-synced rename between directories leaves two names for one file.
  for (const auto& file : survivors) file->names = 0;
  for (const auto& file : survivors) ++file->names;
  return survivors;
}

}  // namespace leveret
