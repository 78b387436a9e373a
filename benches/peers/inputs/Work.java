// What javac compiles: a class with generics, lambdas, an enumeration and a record.
import java.util.*;
import java.util.function.*;

public class Work {
    enum Kind { SMALL, LARGE }

    record Item(String name, int size) {
        Kind kind() {
            return size < 100 ? Kind.SMALL : Kind.LARGE;
        }
    }

    private final Map<Kind, List<Item>> items = new EnumMap<>(Kind.class);

    void add(Item item) {
        items.computeIfAbsent(item.kind(), kind -> new ArrayList<>()).add(item);
    }

    int total(Predicate<Item> wanted) {
        int sum = 0;
        for (List<Item> list : items.values()) {
            for (Item item : list) {
                if (wanted.test(item)) {
                    sum += item.size();
                }
            }
        }
        return sum;
    }

    public static void main(String[] arguments) {
        Work work = new Work();
        for (int i = 0; i < 1000; i++) {
            work.add(new Item("item " + i, i * 7 % 211));
        }
        System.out.println(work.total(item -> item.kind() == Kind.LARGE));
    }
}
