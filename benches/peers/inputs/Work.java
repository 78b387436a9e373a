// What javac compiles: a class with an enumeration, generics and a loop.
import java.util.ArrayList;
import java.util.List;

public class Work {
    enum Kind { SMALL, LARGE }

    private final List<Integer> sizes = new ArrayList<>();

    Kind add(int size) {
        sizes.add(size);
        return size < 100 ? Kind.SMALL : Kind.LARGE;
    }

    public static void main(String[] arguments) {
        Work work = new Work();
        int large = 0;
        for (int i = 0; i < 1000; i++) {
            large += work.add(i * 7 % 211) == Kind.LARGE ? 1 : 0;
        }
        System.out.println(large + " of " + work.sizes.size());
    }
}
